// Windows over the page, questions, and short notes. What stands in them is the caller's.

import { button, h } from "./dom.js";
import { t } from "./words.js";

const NOTE_MS = 5000;

/** Open a window; returns a function that closes it. Escape and the button close it too. */
export function openWindow(title, content, { kind = "", onclose = () => {} } = {}) {
  const close = () => window_.close();
  const heading = h("h2", { id: `window-${Date.now()}`, tabIndex: -1 }, title);
  const window_ = h(
    "dialog",
    { class: `window ${kind}`, "aria-labelledby": heading.id },
    h("header", { class: "window-head" }, heading, button("close", null, close, { label: t("close") })),
    h("div", { class: "window-body" }, content),
  );
  window_.addEventListener("click", (event) => event.target === window_ && close());
  window_.addEventListener("close", () => {
    onclose();
    window_.remove();
  });
  document.body.append(window_);
  window_.showModal();
  heading.focus();
  return close;
}

/** Ask before something that cannot be undone. Resolves to whether it shall be done. */
export function confirm(title, text, word) {
  return new Promise((resolve) => {
    let isSure = false;
    const sure = () => {
      isSure = true;
      close();
    };
    const content = h(
      "div",
      {},
      h("p", {}, text),
      h(
        "div",
        { class: "row end" },
        button(null, t("keep"), () => close()),
        button(null, word, sure, { kind: "danger" }),
      ),
    );
    const close = openWindow(title, content, { kind: "small", onclose: () => resolve(isSure) });
  });
}

/** Say something for a moment. */
export function note(text, kind = "") {
  const said = h("p", { class: `note ${kind}` }, text);
  document.querySelector("#notes").append(said);
  setTimeout(() => said.remove(), NOTE_MS);
}

/** Copy a text and say so. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    note(t("copied"));
  } catch {
    note(t("not-copied"), "bad");
  }
}
