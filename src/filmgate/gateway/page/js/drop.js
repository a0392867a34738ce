// A place where a file is dropped or chosen. What becomes of the file is its user's affair.

import { h, icon } from "./dom.js";

/** Return `{element, input}`; `onfile` is given each file. `accept` is a list of types. */
export function dropZone({ id, label, hint, shape, accept, onfile }) {
  const input = h("input", {
    id,
    type: "file",
    accept: accept.join(","),
    class: "unseen",
    "aria-describedby": `${id}-hint`,
    onchange: () => {
      if (input.files[0]) onfile(input.files[0]);
      input.value = "";
    },
  });
  const element = h(
    "label",
    { class: "drop", for: id },
    icon(shape),
    h("span", { class: "drop-label" }, label),
    h("span", { class: "hint", id: `${id}-hint` }, hint),
    input,
  );
  const over = (isOver) => (event) => {
    event.preventDefault();
    element.classList.toggle("over", isOver);
  };
  element.addEventListener("dragover", over(true));
  element.addEventListener("dragleave", over(false));
  element.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files[0]) onfile(event.dataTransfer.files[0]);
  });
  return { element, input };
}
