// The screen of the studio: nothing yet, a film in the making, a film, or why there is none.

import { own } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { actionsOf, factList, filmUrl } from "./film.js";
import { follow, isFinal } from "./follow.js";
import { span, t } from "./words.js";

const STAGES = ["queue", "inputs", "rewrite", "make", "finish"];
const IDEAS = 5;

/** Return `{element, show(task), watch(id), stop()}`; `react` is film.js's, and `onidea(text)`. */
export function filmScreen(react) {
  const picture = h("div", { class: "screen" });
  const below = h("div", { class: "below" });
  const element = h("section", { class: "stage", "aria-label": t("screen") }, picture, below);
  let stop = () => {};
  let making = null;

  function showIdeas() {
    const ideas = Array.from({ length: IDEAS }, (_, at) => t(`idea-${at + 1}`));
    fill(
      picture,
      h("div", { class: "empty" }, icon("studio"), h("p", {}, t("screen-empty"))),
    );
    const chips = ideas.map((idea) => h("button", { type: "button", class: "chip", onclick: () => react.onidea(idea) }, idea));
    fill(below, h("h2", { class: "small-head" }, t("ideas")), h("div", { class: "chips" }, chips));
  }

  /** Show a task and follow it to its end. */
  function watch(taskId) {
    stop();
    making = null;
    stop = follow(taskId, { ontask: show, onpreview: (url) => making?.showFrame(url) });
  }

  function show(task) {
    if (!isFinal(task)) {
      making ??= filmInMaking(picture, below, task);
      return making.show(task, actions(task));
    }
    stop();
    making = null;
    showEnd(task);
    react.onended?.(task);
  }

  function actions(task) {
    const oncancelled = (ended) => show({ ...task, ...ended });
    return actionsOf(task, { ...react, oncancelled, ondeleted: deleted });
  }

  function deleted() {
    showIdeas();
    react.ondeleted?.();
  }

  function showEnd(task) {
    const url = filmUrl(task);
    fill(picture, url ? player(task, url) : ending(task));
    const title = h("h2", { class: "film-title" }, task.orig_prompt || t("from-picture"));
    fill(below, title, actions(task), factList(task));
  }

  showIdeas();
  return { element, watch, show, clear: () => (stop(), showIdeas()), stop: () => stop() };
}

/** A film that begins by itself, unless the reader wants things to keep still. */
export function player(task, url) {
  const poster = task.thumbnail_url ? own(task.thumbnail_url) : "";
  const video = h("video", { src: url, poster, controls: true, loop: true, playsInline: true });
  video.setAttribute("aria-label", task.orig_prompt || t("from-picture"));
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
    video.play().catch(() => {
      video.muted = true;
      video.play().catch(() => {});
    });
  }
  return video;
}

function ending(task) {
  const text = task.status === "failed" ? task.error.message : t(`ending-${task.status}`);
  return h("div", { class: `empty ${task.status}` }, icon(task.status === "completed" ? "library" : "close"), h("p", {}, text));
}

function filmInMaking(picture, below, first) {
  const frame = h("img", { class: "frame", alt: t("frame-alt"), hidden: true });
  const wait = h("div", { class: "empty" }, h("div", { class: "pulse", "aria-hidden": "true" }));
  const bar = h("progress", { max: 100, "aria-label": t("progress") });
  const said = h("p", { class: "said", role: "status" });
  const rest = h("p", { class: "hint" });
  const steps = STAGES.map((stage) => h("li", { "data-stage": stage }, t(`stage-${stage}`)));
  const foot = h("div", {});
  let cancelled = null;
  fill(picture, wait, frame);
  fill(
    below,
    h("h2", { class: "film-title" }, first.orig_prompt || t("from-picture")),
    h("ol", { class: "steps" }, steps),
    bar,
    h("div", { class: "row between" }, said, rest),
    foot,
  );

  function show(task, actions) {
    const at = STAGES.indexOf(task.stage);
    steps.forEach((step, place) => {
      step.className = place < at ? "done" : place === at ? "now" : "";
      if (place === at) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
    bar.value = task.progress;
    const ahead = task.queue_position > 1 ? t("ahead", { count: task.queue_position - 1 }) : null;
    const words = ahead ?? t(`stage-${at < 0 ? "queue" : task.stage}`);
    if (said.textContent !== words) said.textContent = words;
    const left_s = task.created + task.estimated_time - Date.now() / 1000;
    rest.textContent = `${task.progress} %${left_s > 1 ? ` · ${t("left", { span: span(left_s) })}` : ""}`;
    if (!cancelled) fill(foot, (cancelled = actions));
  }

  function showFrame(url) {
    const next = new Image();
    next.onload = () => {
      frame.src = url;
      frame.hidden = false;
      wait.hidden = true;
    };
    next.src = url;
  }

  return { show, showFrame };
}
