// The picture that a film starts from: dropped, uploaded, and shown with what the frame will cut off.

import { h } from "./dom.js";
import { mediaField } from "./media.js";
import { frameForPicture } from "./schema.js";
import { number, t } from "./words.js";

const TYPES = ["image/jpeg", "image/png", "image/webp", "image/bmp", "image/gif"];
const SIDE_PX = [240, 8000];
const CANVAS_PX = 480;

export function pictureField(field, onchange) {
  let draw = () => {};
  const kind = {
    shape: "picture",
    accept: TYPES,
    folder: "images",
    unreadable: "InvalidStateError",
    open: (blob) => createImageBitmap(blob),
    check: ({ width, height }) => {
      if (Math.min(width, height) < SIDE_PX[0] || Math.max(width, height) > SIDE_PX[1]) {
        throw new RangeError(t("picture-sides", { width, height }));
      }
    },
    show: (bitmap, _, away) => {
      const canvas = h("canvas", { role: "img" });
      const said = h("p", { class: "hint" });
      draw = (frames, resolution) => {
        const [width, height] = frameForPicture(frames, resolution, bitmap.width, bitmap.height);
        const cut = drawCrop(canvas, bitmap, [width, height]);
        const part = number(cut * 100, 1);
        said.textContent = cut < 0.001
          ? t("crop-none", { width, height })
          : t("crop", { width, height, part });
        canvas.setAttribute("aria-label", said.textContent);
      };
      return [h("div", { class: "taken" }, canvas, away), said];
    },
    forget: () => {
      draw = () => {};
    },
  };
  const { element, input, sent, set } = mediaField(field, kind, onchange);
  return {
    element,
    input,
    value: () => (sent() ? [sent()] : null),
    set: (value) => set(value?.[0]),
    /** Draw what the frame cuts off at this resolution. */
    showCrop: (frames, resolution) => draw(frames, resolution),
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
