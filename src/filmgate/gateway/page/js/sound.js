// The film's own sound: dropped, measured, drawn as a waveform with the place where the film ends.

import { own, upload } from "./api.js";
import { button, fill, h } from "./dom.js";
import { dropZone } from "./drop.js";
import { labelOf } from "./fields.js";
import { number, t } from "./words.js";

const TYPES = ["audio/wav", "audio/x-wav", "audio/mpeg", "audio/mp3", ".wav", ".mp3"];
const LENGTH_S = [3, 30];
const BARS = 120;
const WIDTH_PX = 480;
const HEIGHT_PX = 72;

export function soundField(field, onchange) {
  const element = h("div", { class: "field media" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  let url = null;
  let sound = null;
  let draw = () => {};
  const zone = dropZone({
    id: `field-${field.name}`,
    label: labelOf(field),
    hint: t("sound-hint"),
    shape: "sound",
    accept: TYPES,
    onfile: take,
  });
  fill(element, zone.element, wrong);

  async function take(file) {
    wrong.textContent = "";
    try {
      const opened = await measured(file);
      if (opened.length_s < LENGTH_S[0] || opened.length_s > LENGTH_S[1]) {
        throw new RangeError(t("sound-length", { length: number(opened.length_s, 1) }));
      }
      element.setAttribute("aria-busy", "true");
      url = await upload("audios", file);
      show(opened, URL.createObjectURL(file));
    } catch (error) {
      wrong.textContent = error.name === "EncodingError" ? t("sound-unreadable") : error.message;
    } finally {
      element.removeAttribute("aria-busy");
    }
  }

  function show(opened, source) {
    sound = opened;
    const canvas = h("canvas", { role: "img", width: WIDTH_PX, height: HEIGHT_PX });
    const said = h("p", { class: "hint" });
    const player = h("audio", { src: source, controls: true });
    draw = (film_s) => {
      drawWave(canvas, sound, film_s);
      const values = { film: film_s, length: number(sound.length_s, 1), rest: number(film_s - sound.length_s, 1) };
      said.textContent = t(sound.length_s > film_s ? "sound-trimmed" : "sound-padded", values);
      canvas.setAttribute("aria-label", said.textContent);
    };
    const away = button("close", null, () => remove(true), { label: t("sound-remove") });
    const taken = h("div", { class: "taken wave" }, canvas, away);
    fill(element, h("span", { class: "label" }, labelOf(field)), taken, said, player, wrong);
    onchange();
  }

  function remove(hasFocus) {
    url = sound = null;
    draw = () => {};
    fill(element, zone.element, wrong);
    if (hasFocus) zone.input.focus();
    onchange();
  }

  return {
    element,
    input: zone.input,
    value: () => url,
    set: async (value) => {
      if (!value) return remove(false);
      url = value;
      const answer = await fetch(own(url));
      if (!answer.ok) return remove(false);
      const blob = await answer.blob();
      show(await measured(blob), URL.createObjectURL(blob));
    },
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
