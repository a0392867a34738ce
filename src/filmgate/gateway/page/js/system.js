// The server as its admin sees it: queue, workers, routes, failures, webhooks, storage, version. Looked
// at again every few seconds while it is open.

import { get } from "./api.js";
import { deliveriesPanel } from "./deliveries.js";
import { fill, h } from "./dom.js";
import { routesTable } from "./routes.js";
import { figures, panel, table } from "./table.js";
import { moment, number, size, span, t } from "./words.js";

const LOOK_MS = 5000;
const at = (text) => (text ? moment(Date.parse(text) / 1000) : null);

export async function show(main) {
  const above = h("div", { class: "panels" });
  const below = h("div", { class: "panels" });
  const deliveries = deliveriesPanel();
  let looking = 0;
  let isOpen = true;

  async function draw() {
    const { data } = await get("/v1/admin/system");
    keepingFocus(above, () => fill(above, overview(data), panel(t("workers"), workers(data)), panel(t("routes"), routesTable(data))));
    keepingFocus(below, () => fill(below, panel(t("recent-failures"), failures(data))));
    await keepingFocus(deliveries.element, () => deliveries.draw(data.webhooks));
    if (isOpen) looking = setTimeout(() => draw().catch(() => {}), LOOK_MS);
  }

  fill(main, h("h1", { class: "view-head" }, t("view-system")), h("div", { class: "panels" }, above, below, deliveries.element));
  await draw();
  return () => {
    isOpen = false;
    clearTimeout(looking);
  };
}

/** Draw anew what may hold the focus, and give it back to what has the same name. */
async function keepingFocus(room, redraw) {
  const held = room.contains(document.activeElement) ? document.activeElement : null;
  await redraw();
  if (held && !held.isConnected) room.querySelector(`[aria-label="${CSS.escape(held.getAttribute("aria-label") ?? "")}"]`)?.focus();
}

function overview({ version, queue, storage }) {
  const wait = queue.oldest_wait_s === null ? null : t("oldest-wait", { span: span(queue.oldest_wait_s) });
  const free = storage.free_bytes === null ? null : t("free", { free: size(storage.free_bytes), total: size(storage.total_bytes) });
  const hints = (...texts) => texts.filter(Boolean).join(" · ");
  return figures([
    [t("status-pending"), number(queue.pending), hints(wait, t("queue-room", { limit: number(queue.unfinished_max) }))],
    [t("status-processing"), number(queue.processing), null],
    [t("storage"), size(storage.bytes), hints(t("files", { count: number(storage.files) }), free)],
    [t("version"), version, null],
  ]);
}

function workers({ workers: all }) {
  if (!all.length) return h("p", { class: "notice bad" }, t("no-workers"));
  const doing = (task) => h("p", {}, `${task.model} · ${t(`stage-${task.stage}`)} · ${task.progress} %`, h("span", { class: "hint" }, ` ${task.id}`));
  return table(t("workers"), [
    [t("worker"), (one) => one.name],
    [t("last-heard"), (one) => at(one.last_heartbeat_at)],
    [t("works-on"), (one) => (one.tasks.length ? one.tasks.map(doing) : t("idle"))],
  ], all);
}

function failures({ failures: all }) {
  if (!all.length) return h("p", { class: "hint" }, t("no-failures"));
  return table(t("recent-failures"), [
    [t("ended"), (one) => at(one.ended_at)],
    [t("fact-failure"), (one) => [h("strong", {}, one.code), h("p", {}, one.message)], "long"],
    [t("key"), (one) => `${one.account} · ${one.key}`],
    [t("fact-engine"), (one) => one.engine],
    [t("task"), (one) => h("code", {}, one.task_id)],
  ], all);
}
