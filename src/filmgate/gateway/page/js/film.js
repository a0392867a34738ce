// What can be done with a task, as buttons, and what there is to know of it, as a list.

import { ask, own, post } from "./api.js";
import { confirm, copy, note, openWindow } from "./dialog.js";
import { button, h } from "./dom.js";
import { drawSeed } from "./fields.js";
import { isFinal } from "./follow.js";
import { reasonOf } from "./routes.js";
import { showSnippets } from "./snippets.js";
import { isSaid, moment, money, span, t } from "./words.js";

/** The link of a completed film, as this page reaches it; null without one. */
export function filmUrl(task) {
  const video = task.result?.videos[0];
  return video && video.expires_at * 1000 > Date.now() ? own(video.url[0]) : null;
}

/** Submit a request; returns the task's id. */
export async function submit(request) {
  const answer = await post("/v1/videos/generations", request, { idempotencyKey: crypto.randomUUID?.() ?? drawSeed() });
  return answer.data[0].task_id;
}

/** The task's buttons. `react` has `onagain(id)`, `onedit(request)`, `oncancelled(task)`, `ondeleted()`. */
export function actionsOf(task, react) {
  const url = filmUrl(task);
  const has = (name, made) => (react[name] ? made : null);
  return h(
    "div",
    { class: "actions" },
    url ? downloadLink(task, url) : null,
    url ? button("share", t("share"), () => showShare(task)) : null,
    isFinal(task) ? null : button("close", t("cancel"), () => cancel(task, react.oncancelled), { kind: "danger" }),
    isFinal(task) ? has("onagain", button("again", t("again"), () => again(task, react.onagain))) : null,
    has("onedit", button("edit", t("edit"), () => react.onedit(task.request), { kind: "quiet" })),
    button("code", t("copy-as"), () => showSnippets(task.request), { kind: "quiet" }),
    isFinal(task)
      ? has("ondeleted", button("trash", t("delete"), () => remove(task, react.ondeleted), { kind: "quiet" }))
      : null,
  );
}

function downloadLink(task, url) {
  const link = button("down", t("download"), () => anchor.click(), { kind: "main" });
  const anchor = h("a", { href: url, download: `${task.id}.mp4`, hidden: true });
  return h("span", {}, link, anchor);
}

function showShare(task) {
  const { url, expires_at } = task.result.videos[0];
  const line = h("input", { type: "text", readOnly: true, value: url[0], "aria-label": t("share-link") });
  const content = h(
    "div",
    {},
    h("p", {}, t("share-text", { until: moment(expires_at) })),
    h("div", { class: "row" }, line, button(null, t("copy"), () => copy(url[0]), { kind: "main" })),
  );
  openWindow(t("share"), content);
  line.select();
}

async function again(task, onagain) {
  const request = { ...task.request, seed: drawSeed() };
  delete request.webhook;
  try {
    onagain(await submit(request));
  } catch (error) {
    note(error.message, "bad");
  }
}

async function cancel(task, oncancelled) {
  try {
    oncancelled((await post(`/v1/tasks/${task.id}/cancel`)).data);
  } catch (error) {
    note(error.message, "bad");
  }
}

async function remove(task, ondeleted) {
  if (!(await confirm(t("delete-title"), t("delete-text"), t("delete")))) return;
  try {
    await ask("DELETE", `/v1/tasks/${task.id}`);
    note(t("deleted"));
    ondeleted();
  } catch (error) {
    note(error.message, "bad");
  }
}

/** What there is to know of a task, as `[word, value]`. */
export function factsOf(task) {
  const request = task.request ?? {};
  const size = task.width ? `${task.width}×${task.height}` : (request.size ?? null);
  const facts = [
    ["status", t(`status-${task.status}`)],
    ["picture", [request.resolution, size].filter(Boolean).join(" · ")],
    ["duration", request.duration ? span(request.duration) : null],
    ["seed", String(task.seed)],
    ["model", task.model],
    ["engine", task.engine],
    ["negative_prompt", request.negative_prompt],
    ["watermark", request.watermark ? t("yes") : null],
    ["created", moment(task.created)],
    ["took", task.actual_time ? span(task.actual_time) : null],
    ["cost", task.cost === undefined ? null : money(task.cost, 3)],
    ["failure", task.error?.message],
    ["prompt-note", task.prompt_note],
    ["actual-prompt", task.actual_prompt === task.orig_prompt ? null : task.actual_prompt],
  ];
  return facts.filter(([, value]) => value);
}

export function factList(task) {
  const name = (word) => t(isSaid(`field-${word}`) ? `field-${word}` : `fact-${word}`);
  const hint = (word) => (word === "engine" && task.engine_reason ? h("dd", { class: "hint" }, reasonOf(task.engine_reason)) : null);
  const rows = factsOf(task).map(([word, value]) => h("div", { class: `fact-${word}` }, h("dt", {}, name(word)), h("dd", {}, value), hint(word)));
  return h("dl", { class: "facts" }, rows);
}
