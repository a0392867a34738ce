// A file that a film is made with: dropped, opened and checked here, uploaded, shown, and taken away again. What a
// picture or a sound is stands in picture.js and sound.js.

import { own, upload } from "./api.js";
import { button, fill, h } from "./dom.js";
import { dropZone } from "./drop.js";
import { labelOf } from "./fields.js";
import { t } from "./words.js";

/**
 * `kind` says how its blobs are opened, what is wrong with one (`check` throws), which nodes show it, and what to
 * forget with it. `sent` is the field's value: the file's URL, or null.
 */
export function mediaField(field, kind, onchange) {
  const element = h("div", { class: "field media" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  let url = null;
  const zone = dropZone({
    id: `field-${field.name}`,
    label: labelOf(field),
    hint: t(`${kind.shape}-hint`),
    shape: kind.shape,
    accept: kind.accept,
    onfile: take,
  });
  fill(element, zone.element, wrong);

  async function take(file) {
    wrong.textContent = "";
    try {
      const opened = await kind.open(file);
      kind.check(opened);
      element.setAttribute("aria-busy", "true");
      url = await upload(kind.folder, file);
      show(opened, file);
    } catch (error) {
      const isUnreadable = error.name === kind.unreadable;
      wrong.textContent = isUnreadable ? t(`${kind.shape}-unreadable`) : error.message;
    } finally {
      element.removeAttribute("aria-busy");
    }
  }

  function show(opened, file) {
    const away = button("close", null, () => remove(true), { label: t(`${kind.shape}-remove`) });
    fill(element, h("span", { class: "label" }, labelOf(field)), ...kind.show(opened, file, away), wrong);
    onchange();
  }

  function remove(hasFocus) {
    url = null;
    kind.forget();
    fill(element, zone.element, wrong);
    if (hasFocus) zone.input.focus();
    onchange();
  }

  async function set(sent) {
    if (!sent) return remove(false);
    url = sent;
    const answer = await fetch(own(url));
    if (!answer.ok) return remove(false);
    const blob = await answer.blob();
    show(await kind.open(blob), blob);
  }

  return { element, input: zone.input, sent: () => url, set };
}
