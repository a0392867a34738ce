// The picture that a film starts from: dropped, uploaded, and shown with what the frame will cut off.

import { own, upload } from "./api.js";
import { button, fill, h } from "./dom.js";
import { dropZone } from "./drop.js";
import { labelOf } from "./fields.js";
import { frameForPicture } from "./schema.js";
import { number, t } from "./words.js";

const TYPES = ["image/jpeg", "image/png", "image/webp", "image/bmp", "image/gif"];
const SIDE_PX = [240, 8000];
const CANVAS_PX = 480;

export function pictureField(field, onchange) {
  const element = h("div", { class: "field media" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  let url = null;
  let bitmap = null;
  let draw = () => {};
  const zone = dropZone({
    id: `field-${field.name}`,
    label: labelOf(field),
    hint: t("picture-hint"),
    shape: "picture",
    accept: TYPES,
    onfile: take,
  });
  fill(element, zone.element, wrong);

  async function take(file) {
    wrong.textContent = "";
    try {
      const opened = await createImageBitmap(file);
      const sides = [opened.width, opened.height];
      if (Math.min(...sides) < SIDE_PX[0] || Math.max(...sides) > SIDE_PX[1]) {
        throw new RangeError(t("picture-sides", { width: sides[0], height: sides[1] }));
      }
      element.setAttribute("aria-busy", "true");
      url = await upload("images", file);
      show(opened);
    } catch (error) {
      const isUnreadable = error.name === "InvalidStateError";
      wrong.textContent = isUnreadable ? t("picture-unreadable") : error.message;
    } finally {
      element.removeAttribute("aria-busy");
    }
  }

  function show(opened) {
    bitmap = opened;
    const canvas = h("canvas", { role: "img" });
    const said = h("p", { class: "hint" });
    draw = (frame) => {
      const cut = drawCrop(canvas, bitmap, frame);
      const [width, height] = frame;
      const part = number(cut * 100, 1);
      said.textContent = cut < 0.001
        ? t("crop-none", { width, height })
        : t("crop", { width, height, part });
      canvas.setAttribute("aria-label", said.textContent);
    };
    const away = button("close", null, () => remove(true), { label: t("picture-remove") });
    fill(element, h("span", { class: "label" }, labelOf(field)), h("div", { class: "taken" }, canvas, away), said, wrong);
    onchange();
  }

  function remove(hasFocus) {
    url = bitmap = null;
    draw = () => {};
    fill(element, zone.element, wrong);
    if (hasFocus) zone.input.focus();
    onchange();
  }

  return {
    element,
    input: zone.input,
    value: () => (url ? [url] : null),
    set: async (value) => {
      if (!value?.length) return remove(false);
      url = value[0];
      const answer = await fetch(own(url));
      if (answer.ok) show(await createImageBitmap(await answer.blob()));
      else remove(false);
    },
    /** Draw what the frame cuts off at this resolution. */
    showCrop: (frames, resolution) => {
      if (bitmap) draw(frameForPicture(frames, resolution, bitmap.width, bitmap.height));
    },
  };
}

/** Draw the picture with what is cut off darkened; return the share of it that is cut off. */
function drawCrop(canvas, bitmap, [width, height]) {
  const scale = Math.min(CANVAS_PX / bitmap.width, CANVAS_PX / bitmap.height, 1);
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  const cover = Math.min(bitmap.width / width, bitmap.height / height);
  const kept = [width * cover * scale, height * cover * scale];
  const corner = [(canvas.width - kept[0]) / 2, (canvas.height - kept[1]) / 2];
  const brush = canvas.getContext("2d");
  brush.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const share = 1 - (kept[0] * kept[1]) / (canvas.width * canvas.height);
  if (share < 0.001) return 0;
  brush.fillStyle = "rgba(10, 10, 12, 0.68)";
  brush.beginPath();
  brush.rect(0, 0, canvas.width, canvas.height);
  brush.rect(...corner, ...kept);
  brush.fill("evenodd");
  brush.strokeStyle = "#fff";
  brush.lineWidth = 2;
  brush.strokeRect(corner[0] + 1, corner[1] + 1, kept[0] - 2, kept[1] - 2);
  return share;
}
