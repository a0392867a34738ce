// Two films side by side: one clock for both, and what differs between their requests.

import { openWindow } from "./dialog.js";
import { button, h } from "./dom.js";
import { factsOf, filmUrl } from "./film.js";
import { isSaid, t } from "./words.js";

const APART_S = 0.08;

export function openCompare(left, right) {
  const videos = [left, right].map((task, side) =>
    h("video", { src: filmUrl(task), playsInline: true, muted: side === 1, loop: true, "aria-label": task.orig_prompt }),
  );
  const [first, second] = videos;
  const clock = h("input", { type: "range", min: 0, max: 5, step: 0.01, value: 0, "aria-label": t("position") });
  const play = button("play", t("play-both"), toggle, { kind: "main" });
  let isRunning = true;

  function toggle() {
    const isPaused = first.paused;
    for (const video of videos) isPaused ? video.play().catch(() => {}) : video.pause();
    play.querySelector("span").textContent = t(isPaused ? "pause-both" : "play-both");
  }

  function tick() {
    if (!isRunning) return;
    if (!first.paused) {
      clock.value = first.currentTime;
      const at = Math.min(first.currentTime, second.duration || 0);
      if (Math.abs(second.currentTime - at) > APART_S && !second.seeking) second.currentTime = at;
    }
    requestAnimationFrame(tick);
  }

  first.addEventListener("loadedmetadata", () => {
    clock.max = first.duration;
  });
  clock.addEventListener("input", () => {
    for (const video of videos) video.currentTime = Math.min(clock.value, video.duration || 0);
  });
  const pair = [left, right].map((task, side) =>
    h("figure", {}, videos[side], h("figcaption", {}, task.orig_prompt || t("from-picture"))),
  );
  const content = h("div", { class: "compare" }, h("div", { class: "pair" }, pair), h("div", { class: "row" }, play, clock), differences(left, right));
  openWindow(t("compare"), content, {
    kind: "widest",
    onclose: () => {
      isRunning = false;
      for (const video of videos) video.pause();
    },
  });
  toggle();
  tick();
}

function differences(left, right) {
  const facts = [left, right].map((task) => new Map(factsOf(task)));
  const words = [...new Set([...facts[0].keys(), ...facts[1].keys()])];
  const name = (word) => t(isSaid(`field-${word}`) ? `field-${word}` : `fact-${word}`);
  const rows = words.map((word) => {
    const [one, other] = facts.map((all) => all.get(word) ?? "–");
    const kind = one === other ? "" : "differs";
    return h("tr", { class: kind }, h("th", { scope: "row" }, name(word)), h("td", {}, one), h("td", {}, other));
  });
  return h("div", { class: "table-room", tabIndex: 0, role: "region", "aria-label": t("differences") }, h("table", {}, h("tbody", {}, rows)));
}
