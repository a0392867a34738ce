// A small form of named lines and switches. What is done with its values is its caller's.

import { h } from "./dom.js";
import { t } from "./words.js";

/** One line of text or a number: `{name, value(), element}`. */
export function line(form, name, value, more) {
  const id = `${form}-${name}`;
  const input = h("input", { id, type: "text", value, ...more });
  return { name, value: () => input.value.trim(), element: h("div", { class: "field" }, labelOf(form, name), input) };
}

/** One of several values; `say` puts each into words. */
export function choice(form, name, values, value, say) {
  const id = `${form}-${name}`;
  const list = h("select", { id }, values.map((one) => h("option", { value: one, selected: one === value }, say(one))));
  return { name, value: () => list.value, element: h("div", { class: "field" }, labelOf(form, name), list) };
}

/** On or off, with what that means. */
export function toggle(form, name, isOn, hint) {
  const id = `${form}-${name}`;
  const box = h("input", { id, type: "checkbox", role: "switch", checked: isOn, "aria-describedby": `${id}-hint` });
  const told = h("p", { class: "hint", id: `${id}-hint` }, hint);
  return { name, value: () => box.checked, element: h("div", { class: "field switch whole" }, box, labelOf(form, name), told) };
}

function labelOf(form, name) {
  return h("label", { for: `${form}-${name}` }, t(`${form}-field-${name}`));
}

/** The form. `onsubmit()` does the work; what it throws is told above the button. */
export function plainForm(parts, word, onsubmit) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const go = h("button", { class: "button main", type: "submit" }, word);

  async function send(event) {
    event.preventDefault();
    wrong.textContent = "";
    go.disabled = true;
    try {
      await onsubmit();
    } catch (error) {
      wrong.textContent = error.message;
    } finally {
      go.disabled = false;
    }
  }

  const foot = h("div", { class: "whole" }, wrong, h("div", { class: "row end" }, go));
  return h("form", { class: "plain-form", onsubmit: send }, parts.map((one) => one.element), foot);
}
