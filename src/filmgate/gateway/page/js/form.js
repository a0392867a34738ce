// The form of one model, made from its schema: controls, what they allow each other, the price, errors.

import { fill, h } from "./dom.js";
import * as plain from "./fields.js";
import { pictureField } from "./picture.js";
import { allowedBy, fieldsOf, notBesidePicture } from "./schema.js";
import { soundField } from "./sound.js";
import { money, number, t } from "./words.js";

const MAKERS = {
  text: plain.textField,
  line: plain.lineField,
  number: plain.lineField,
  list: plain.listField,
  switch: plain.switchField,
  seed: plain.seedField,
  picture: pictureField,
  sound: soundField,
  choice: (field, onchange) => plain.choiceField(field, onchange, { isShape: field.name === "size" }),
};

/** Return the form: `{element, body(), set(request), showErrors(error), focus()}`. */
export function modelForm(model, { onsubmit, onchange = () => {} }) {
  const schema = model.parameters;
  const fields = fieldsOf(schema);
  const controls = new Map();
  const price = h("output", { class: "price", "aria-live": "polite" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const go = h("button", { type: "submit", class: "button main" }, t("make"));

  for (const field of fields) controls.set(field.name, MAKERS[field.control](field, changed));
  const first = fields.filter((field) => field.isFirst).map((field) => field.name);
  const rest = fields.filter((field) => !field.isFirst).map((field) => field.name);
  const elementsOf = (names) => names.map((name) => controls.get(name).element);
  const media = first.filter((name) => ["image_urls", "audio_url"].includes(name));
  const others = first.filter((name) => name !== "prompt" && !media.includes(name));

  const element = h(
    "form",
    { class: "card form", noValidate: true, onsubmit: send },
    elementsOf(first.filter((name) => name === "prompt")),
    h("div", { class: "media-row" }, elementsOf(media)),
    elementsOf(others),
    h("details", { class: "more" }, h("summary", {}, t("more")), elementsOf(rest)),
    h("div", { class: "form-foot" }, wrong, h("div", { class: "row between" }, price, go)),
  );

  function values() {
    const given = [...controls].map(([name, control]) => [name, control.value()]);
    return Object.fromEntries(given.filter(([, value]) => value !== null));
  }

  function body() {
    const said = { model: model.id, ...values() };
    if (said.image_urls) for (const name of notBesidePicture(schema)) delete said[name];
    return said;
  }

  function changed() {
    const given = values();
    for (const [name, control] of controls) control.only?.(allowedBy(schema, name, given));
    const now = values();
    for (const name of notBesidePicture(schema)) controls.get(name).element.hidden = Boolean(now.image_urls);
    controls.get("image_urls")?.showCrop(model.frames, now.resolution);
    controls.get("audio_url")?.showTrim(now.duration);
    showPrice(now);
    onchange();
  }

  function showPrice({ resolution, duration }) {
    const usd = model.price_usd_per_second[resolution] * duration;
    const size = frameText(values());
    fill(price, h("strong", {}, money(usd, 3)), h("span", { class: "hint" }, size));
  }

  function frameText({ resolution, size, duration, image_urls }) {
    const [width, height] = model.frames.sizes[resolution]?.[size] ?? [];
    const px = image_urls || !width ? resolution : `${width}×${height}`;
    return `${px} · ${t("seconds", { count: number(duration) })}`;
  }

  async function send(event) {
    event.preventDefault();
    clearErrors();
    if (!body().prompt && !body().image_urls) {
      return showError("prompt", t("prompt-needed"));
    }
    go.disabled = true;
    try {
      await onsubmit(body());
    } catch (error) {
      showErrors(error);
    } finally {
      go.disabled = false;
    }
  }

  function clearErrors() {
    wrong.textContent = "";
    for (const { element: one, input } of controls.values()) {
      one.querySelector(".wrong.of-field")?.remove();
      input.removeAttribute("aria-invalid");
    }
  }

  function showErrors(error) {
    const known = Object.entries(error.broken ?? {}).filter(([name]) => controls.has(name));
    for (const [name, message] of known) showError(name, message);
    if (!known.length) wrong.textContent = error.message;
  }

  function showError(name, message) {
    const { element: one, input } = controls.get(name);
    const more = one.closest("details");
    if (more) more.open = true;
    one.append(h("p", { class: "wrong of-field", role: "alert" }, message));
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  /** Put an earlier request into the form; fields that it does not have go back to their start. */
  function set(request) {
    for (const field of fields) controls.get(field.name).set(request[field.name] ?? field.start);
    changed();
  }

  changed();
  return { element, body, set, showErrors, focus: () => controls.get("prompt")?.input.focus() };
}
