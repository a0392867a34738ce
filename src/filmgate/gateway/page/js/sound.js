// The film's own sound: dropped, measured, drawn as a waveform with the place where the film ends.

import { h } from "./dom.js";
import { mediaField } from "./media.js";
import { number, t } from "./words.js";

const TYPES = ["audio/wav", "audio/x-wav", "audio/mpeg", "audio/mp3", ".wav", ".mp3"];
const LENGTH_S = [3, 30];
const BARS = 120;
const WIDTH_PX = 480;
const HEIGHT_PX = 72;

export function soundField(field, onchange) {
  let draw = () => {};
  const kind = {
    shape: "sound",
    accept: TYPES,
    folder: "audios",
    unreadable: "EncodingError",
    open: measured,
    check: ({ length_s }) => {
      if (length_s < LENGTH_S[0] || length_s > LENGTH_S[1]) {
        throw new RangeError(t("sound-length", { length: number(length_s, 1) }));
      }
    },
    show: (sound, blob, away) => {
      const canvas = h("canvas", { role: "img", width: WIDTH_PX, height: HEIGHT_PX });
      const said = h("p", { class: "hint" });
      const player = h("audio", { src: URL.createObjectURL(blob), controls: true });
      draw = (film_s) => {
        drawWave(canvas, sound, film_s);
        const values = { film: film_s, length: number(sound.length_s, 1), rest: number(film_s - sound.length_s, 1) };
        said.textContent = t(sound.length_s > film_s ? "sound-trimmed" : "sound-padded", values);
        canvas.setAttribute("aria-label", said.textContent);
      };
      return [h("div", { class: "taken wave" }, canvas, away), said, player];
    },
    forget: () => {
      draw = () => {};
    },
  };
  const { element, input, sent, set } = mediaField(field, kind, onchange);
  return {
    element,
    input,
    value: sent,
    set,
    /** Draw the line where a film of this length ends. */
    showTrim: (film_s) => draw(film_s),
  };
}

/** A sound's length, and the loudest moment in each of so many equal parts, 0 to 1. */
async function measured(file) {
  const context = new OfflineAudioContext(1, 1, 44_100);
  const decoded = await context.decodeAudioData(await file.arrayBuffer());
  const samples = decoded.getChannelData(0);
  const step = Math.max(1, Math.floor(samples.length / BARS));
  const peaks = Array.from({ length: BARS }, (_, bar) => {
    let peak = 0;
    for (let at = bar * step; at < (bar + 1) * step && at < samples.length; at += 8) {
      peak = Math.max(peak, Math.abs(samples[at]));
    }
    return peak;
  });
  return { length_s: decoded.duration, peaks };
}

/** Bars over the longer of film and sound; what the film does not use is pale. */
function drawWave(canvas, sound, film_s) {
  const brush = canvas.getContext("2d");
  const colors = getComputedStyle(canvas);
  const whole_s = Math.max(sound.length_s, film_s);
  const width = ((WIDTH_PX / whole_s) * sound.length_s) / BARS;
  brush.clearRect(0, 0, WIDTH_PX, HEIGHT_PX);
  sound.peaks.forEach((peak, bar) => {
    const isUsed = (bar / BARS) * sound.length_s < film_s;
    brush.fillStyle = colors.getPropertyValue(isUsed ? "--accent" : "--line-strong");
    const high = Math.max(2, peak * (HEIGHT_PX - 8));
    brush.fillRect(bar * width, (HEIGHT_PX - high) / 2, Math.max(1, width - 1), high);
  });
  brush.fillStyle = colors.getPropertyValue("--ink");
  brush.fillRect(Math.min((film_s / whole_s) * WIDTH_PX, WIDTH_PX - 2), 0, 2, HEIGHT_PX);
}
