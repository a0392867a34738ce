// A task as a small picture: a still that plays under the pointer or the keyboard's focus.

import { own } from "./api.js";
import { h, icon } from "./dom.js";
import { filmUrl } from "./film.js";
import { isFinal } from "./follow.js";
import { span, t } from "./words.js";

/** Return the card's button; `onopen` is called with the task. */
export function cardOf(task, onopen) {
  const picture = h("span", { class: "card-picture" }, stillOf(task));
  const card = h(
    "button",
    { type: "button", class: `film-card ${task.status}`, onclick: () => onopen(task), "data-task": task.id },
    picture,
    h("span", { class: "card-text" }, task.orig_prompt || t("from-picture")),
    h("span", { class: "card-foot hint" }, footOf(task)),
  );
  const url = filmUrl(task);
  if (url) playUnderPointer(card, picture, url);
  return card;
}

function stillOf(task) {
  if (filmUrl(task) && task.thumbnail_url) {
    return h("img", { src: own(task.thumbnail_url), alt: "", loading: "lazy", decoding: "async" });
  }
  if (!isFinal(task)) {
    const bar = h("progress", { max: 100, value: task.progress, "aria-label": t("progress") });
    return h("span", { class: "card-wait" }, h("span", { class: "pulse" }), bar);
  }
  return h("span", { class: "card-wait" }, icon(task.status === "completed" ? "library" : "close"));
}

function footOf(task) {
  if (task.status !== "completed") return [h("span", { class: "tag" }, t(`status-${task.status}`))];
  const seconds = task.request?.duration;
  const facts = [task.request?.resolution, seconds ? span(seconds) : null, task.engine].filter(Boolean);
  return [facts.join(" · ")];
}

function playUnderPointer(card, picture, url) {
  let video = null;
  const play = () => {
    if (video || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    video = h("video", { src: url, muted: true, loop: true, playsInline: true, "aria-hidden": "true", tabIndex: -1 });
    picture.append(video);
    video.play().catch(() => {});
  };
  const stop = () => {
    video?.pause();
    video?.remove();
    video = null;
  };
  for (const begin of ["pointerenter", "focus"]) card.addEventListener(begin, play);
  for (const end of ["pointerleave", "blur"]) card.addEventListener(end, stop);
}
