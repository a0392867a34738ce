// The plain controls of a form. Each is `{element, value(), set(value), …}`; value() null: not given.

import { button, fill, h } from "./dom.js";
import { isSaid, number, t } from "./words.js";

/** A field's name in the reader's language. */
export function labelOf(field) {
  return isSaid(`field-${field.name}`) ? t(`field-${field.name}`) : field.name;
}

/** What a field is for. */
export function hintOf(field) {
  return isSaid(`hint-${field.name}`) ? t(`hint-${field.name}`) : field.doc;
}

function wordOf(field, choice) {
  const name = `${field.name}-${choice}`;
  return isSaid(name) ? t(name) : String(choice);
}

export function textField(field, onchange) {
  const id = `field-${field.name}`;
  const isPrompt = field.name === "prompt";
  const count = h("span", { class: "count", "aria-hidden": "true" });
  const area = h("textarea", {
    id,
    rows: isPrompt ? 4 : 2,
    maxLength: field.charsMax ?? -1,
    placeholder: isPrompt ? t("prompt-example") : "",
    "aria-describedby": `${id}-hint`,
    oninput: changed,
  });
  function changed() {
    const isNear = field.charsMax && area.value.length > field.charsMax * 0.8;
    count.textContent = isNear ? `${number(area.value.length)} / ${number(field.charsMax)}` : "";
    onchange();
  }
  const label = h("div", { class: "label-row" }, h("label", { for: id }, labelOf(field)), count);
  const hint = h("p", { class: isPrompt ? "hint unseen" : "hint", id: `${id}-hint` }, hintOf(field));
  return {
    element: h("div", { class: "field" }, label, area, hint),
    input: area,
    value: () => area.value.trim() || null,
    set: (value) => {
      area.value = value ?? "";
      changed();
    },
  };
}

export function lineField(field, onchange) {
  const id = `field-${field.name}`;
  const type = field.control === "number" ? "number" : "text";
  const line = h("input", { id, type, "aria-describedby": `${id}-hint`, oninput: onchange });
  return {
    element: h(
      "div",
      { class: "field" },
      h("label", { for: id }, labelOf(field)),
      line,
      h("p", { class: "hint", id: `${id}-hint` }, hintOf(field)),
    ),
    input: line,
    value: () => (line.value.trim() ? (type === "number" ? Number(line.value) : line.value.trim()) : null),
    set: (value) => {
      line.value = value ?? "";
    },
  };
}

export function listField(field, onchange) {
  const id = `field-${field.name}`;
  const options = field.choices.map((one) => h("option", { value: String(one) }, wordOf(field, one)));
  const list = h("select", { id, onchange, "aria-describedby": `${id}-hint` }, options);
  list.value = String(field.start ?? field.choices[0]);
  return {
    element: h(
      "div",
      { class: "field" },
      h("label", { for: id }, labelOf(field)),
      list,
      h("p", { class: "hint", id: `${id}-hint` }, hintOf(field)),
    ),
    input: list,
    value: () => field.choices.find((one) => String(one) === list.value) ?? null,
    set: (value) => {
      if (value !== null && value !== undefined) list.value = String(value);
    },
  };
}

/** A few values side by side. `only(values)` greys out what the other fields do not allow. */
export function choiceField(field, onchange, { isShape = false } = {}) {
  const radios = field.choices.map((one) => {
    const radio = h("input", {
      type: "radio",
      name: `field-${field.name}`,
      value: String(one),
      checked: one === (field.start ?? field.choices[0]),
      onchange,
    });
    return { one, radio };
  });
  const pills = radios.map(({ one, radio }) =>
    h(
      "label",
      { class: isShape ? "pill shape" : "pill" },
      radio,
      isShape ? shapeOf(one) : null,
      h("span", {}, wordOf(field, one)),
    ),
  );
  const value = () => radios.find(({ radio }) => radio.checked)?.one ?? null;
  const set = (wanted) => {
    const found = radios.find(({ one }) => one === wanted);
    if (found) found.radio.checked = true;
  };
  const legend = h("legend", {}, labelOf(field));
  return {
    element: h("fieldset", { class: "field" }, legend, h("div", { class: "pills" }, pills)),
    input: radios[0].radio,
    value,
    set,
    only: (allowed) => {
      for (const { one, radio } of radios) radio.disabled = allowed !== null && !allowed.includes(one);
      if (allowed && !allowed.includes(value())) set(allowed[0]);
    },
  };
}

/** A little rectangle in the proportions of a size such as 16:9. */
function shapeOf(size) {
  const [width, height] = size.split(":").map(Number);
  const box = h("i", { "aria-hidden": "true" });
  const scale = 20 / Math.max(width, height);
  box.style.width = `${width * scale}px`;
  box.style.height = `${height * scale}px`;
  return h("span", { class: "shape-box" }, box);
}

export function switchField(field, onchange) {
  const id = `field-${field.name}`;
  const box = h("input", {
    id,
    type: "checkbox",
    role: "switch",
    checked: Boolean(field.start),
    onchange,
    "aria-describedby": `${id}-hint`,
  });
  return {
    element: h(
      "div",
      { class: "field switch" },
      box,
      h("label", { for: id }, labelOf(field)),
      h("p", { class: "hint", id: `${id}-hint` }, hintOf(field)),
    ),
    input: box,
    value: () => box.checked,
    set: (value) => {
      box.checked = Boolean(value);
    },
  };
}

/** A seed is a text of digits here: it may be longer than numbers are exact. */
export function seedField(field, onchange) {
  const id = `field-${field.name}`;
  const line = h("input", {
    id,
    type: "text",
    inputMode: "numeric",
    pattern: "[0-9]*",
    maxLength: 19,
    placeholder: t("seed-random"),
    "aria-describedby": `${id}-hint`,
    oninput: changed,
  });
  function changed() {
    line.value = line.value.replace(/\D/g, "");
    onchange();
  }
  const roll = () => {
    line.value = drawSeed();
    onchange();
  };
  const row = h("div", { class: "row" });
  fill(row, line, button("dice", null, roll, { label: t("roll") }));
  return {
    element: h(
      "div",
      { class: "field" },
      h("label", { for: id }, labelOf(field)),
      row,
      h("p", { class: "hint", id: `${id}-hint` }, hintOf(field)),
    ),
    input: line,
    value: () => line.value || null,
    set: (value) => {
      line.value = value === null || value === undefined ? "" : String(value);
    },
  };
}

/** A new seed, short enough to be read aloud. */
export function drawSeed() {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]);
}
