// The library: all films, newest first; filters, search, a closer look, and two side by side.

import { get } from "./api.js";
import { cardOf } from "./card.js";
import { openCompare } from "./compare.js";
import { openWindow } from "./dialog.js";
import { button, fill, h, icon } from "./dom.js";
import { actionsOf, factList, filmUrl } from "./film.js";
import { isFinal } from "./follow.js";
import { player } from "./screen.js";
import { openInStudio } from "./studio.js";
import { t } from "./words.js";

const PAGE = 24;
const TYPING_MS = 250;
const LOOK_MS = 3000;
const LOOKED_AT_MAX = 10;
const STATES = ["", "completed", "processing", "pending", "failed", "cancelled"];

export async function show(main) {
  const { data: models } = await get("/v1/models");
  const wanted = { q: "", status: "", model: "" };
  const grid = h("ul", { class: "grid" });
  const chosen = new Map();
  const tray = h("div", { class: "tray", hidden: true });
  const count = h("p", { class: "hint", role: "status" });
  const more = button(null, t("load-more"), () => load(), { kind: "wide" });
  let cursor = null;
  let turn = 0;
  let isLoading = false;
  let looking = 0;

  async function restart() {
    turn += 1;
    cursor = null;
    isLoading = false;
    fill(grid);
    await load();
  }

  async function load() {
    if (isLoading) return;
    isLoading = true;
    const mine = turn;
    const page = await get("/v1/tasks", { ...wanted, limit: PAGE, cursor, expand: "request" });
    if (mine !== turn) return;
    isLoading = false;
    cursor = page.next_cursor;
    grid.append(...page.data.map(itemOf));
    // A search looks at so many tasks an answer: an empty page is not the end.
    if (!page.data.length && cursor !== null) return load();
    more.hidden = cursor === null;
    const isEmpty = !grid.children.length;
    count.textContent = isEmpty ? t(isFiltered() ? "none-found" : "none-yet") : "";
  }

  const isFiltered = () => Object.values(wanted).some(Boolean);

  function itemOf(task) {
    const box = h("input", {
      type: "checkbox",
      "aria-label": t("choose-film", { prompt: task.orig_prompt.slice(0, 60) }),
      checked: chosen.has(task.id),
      onchange: () => choose(task, box),
    });
    const pick = task.status === "completed" && filmUrl(task) ? h("label", { class: "pick" }, box, icon("compare")) : null;
    const item = h("li", {}, cardOf(task, () => look(task, item)), pick);
    item.task = task;
    return item;
  }

  function choose(task, box) {
    if (box.checked) chosen.set(task.id, { task, box });
    else chosen.delete(task.id);
    if (chosen.size > 2) {
      const [oldest] = chosen.keys();
      chosen.get(oldest).box.checked = false;
      chosen.delete(oldest);
    }
    drawTray();
  }

  function drawTray() {
    const pair = [...chosen.values()].map((one) => one.task);
    const go = button("compare", t("compare"), () => openCompare(...pair), { kind: "main" });
    go.disabled = pair.length < 2;
    tray.hidden = !pair.length;
    fill(tray, h("span", { role: "status" }, t("chosen", { count: pair.length })), go, button("close", null, clear, { label: t("clear") }));
  }

  function clear() {
    for (const { box } of chosen.values()) box.checked = false;
    chosen.clear();
    drawTray();
  }

  async function look(listed, item) {
    const { data: task } = await get(`/v1/tasks/${listed.id}`, { expand: "request" });
    const url = filmUrl(task);
    const replace = (now) => item.replaceWith(itemOf(now));
    const actions = actionsOf(task, {
      onedit: (request) => (close(), openInStudio(request)),
      onagain: () => (close(), restart()),
      oncancelled: (now) => (close(), replace({ ...task, ...now })),
      ondeleted: () => {
        close();
        chosen.delete(task.id);
        drawTray();
        item.remove();
      },
    });
    const content = h("div", { class: "look" }, url ? player(task, url) : null, actions, factList(task));
    const close = openWindow(task.orig_prompt || t("from-picture"), content, { kind: "wide" });
  }

  /** Look again at the films that are still in the making. */
  async function refresh() {
    const open = [...grid.children].filter((item) => !isFinal(item.task)).slice(0, LOOKED_AT_MAX);
    for (const item of open) {
      const { data } = await get(`/v1/tasks/${item.task.id}`, { expand: "request" });
      const has = item.contains(document.activeElement);
      const next = itemOf(data);
      item.replaceWith(next);
      if (has) next.querySelector("button").focus();
    }
    looking = setTimeout(refresh, LOOK_MS);
  }

  fill(main, h("h1", { class: "view-head" }, t("view-library")), filters(wanted, models, restart), count, grid, more, tray);
  const eye = new IntersectionObserver(([seen]) => seen.isIntersecting && cursor !== null && load(), { rootMargin: "600px" });
  eye.observe(more);
  await load();
  looking = setTimeout(refresh, LOOK_MS);
  return () => {
    clearTimeout(looking);
    eye.disconnect();
  };
}

function filters(wanted, models, restart) {
  let typing = 0;
  const set = (name) => (event) => {
    wanted[name] = event.target.value;
    restart();
  };
  const search = h("input", {
    type: "search",
    placeholder: t("search"),
    "aria-label": t("search"),
    maxLength: 200,
    oninput: (event) => {
      clearTimeout(typing);
      typing = setTimeout(set("q"), TYPING_MS, event);
    },
  });
  const states = STATES.map((state) => h("option", { value: state }, state ? t(`status-${state}`) : t("all-states")));
  const ids = models.map((model) => h("option", { value: model.id }, model.title));
  return h(
    "form",
    { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    h("span", { class: "search" }, icon("search"), search),
    h("select", { "aria-label": t("fact-status"), onchange: set("status") }, states),
    models.length > 1
      ? h("select", { "aria-label": t("field-model"), onchange: set("model") }, h("option", { value: "" }, t("all-models")), ids)
      : null,
  );
}
