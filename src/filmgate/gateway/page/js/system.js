// The server as its admin sees it: queue, workers, failures, webhooks, storage, version. Looked at again
// every few seconds while it is open.

import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { figures, panel, table } from "./table.js";
import { moment, number, span, t } from "./words.js";

const LOOK_MS = 5000;
const MIB = 2 ** 20;
const at = (text) => (text ? moment(Date.parse(text) / 1000) : null);
const sizeOf = (bytes) => (bytes < 1024 * MIB ? `${number(bytes / MIB, 1)} MiB` : `${number(bytes / MIB / 1024, 1)} GiB`);

export async function show(main) {
  const body = h("div", { class: "panels" });
  let looking = 0;

  async function draw() {
    const { data } = await get("/v1/admin/system");
    const focus = document.activeElement?.getAttribute("aria-label");
    fill(body, overview(data), panel(t("workers"), workers(data)), panel(t("recent-failures"), failures(data)), panel(t("webhooks"), webhooks(data)));
    if (focus) body.querySelector(`[aria-label="${CSS.escape(focus)}"]`)?.focus();
    looking = setTimeout(() => draw().catch(() => {}), LOOK_MS);
  }

  fill(main, h("h1", { class: "view-head" }, t("view-system")), body);
  await draw();
  return () => clearTimeout(looking);
}

function overview({ version, engines, queue, storage }) {
  const wait = queue.oldest_wait_s === null ? null : t("oldest-wait", { span: span(queue.oldest_wait_s) });
  const free = storage.free_bytes === null ? null : t("free", { free: sizeOf(storage.free_bytes), total: sizeOf(storage.total_bytes) });
  return figures([
    [t("status-pending"), number(queue.pending), wait],
    [t("status-processing"), number(queue.processing), null],
    [t("storage"), sizeOf(storage.bytes), [t("files", { count: number(storage.files) }), free].filter(Boolean).join(" · ")],
    [t("engines"), engines.join(", "), null],
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
    [t("fact-failure"), (one) => [h("strong", {}, one.code), h("p", {}, one.message)]],
    [t("key"), (one) => `${one.account} · ${one.key}`],
    [t("fact-engine"), (one) => one.engine],
    [t("task"), (one) => h("code", {}, one.task_id)],
  ], all);
}

function webhooks({ webhooks: all }) {
  const sums = figures([
    [t("deliveries-pending"), number(all.pending)],
    [t("deliveries-delivered"), number(all.delivered_last_day)],
    [t("deliveries-failed"), number(all.failed_last_day)],
  ]);
  if (!all.latest_failed.length) return sums;
  const failed = table(t("deliveries-failed"), [
    [t("created-at"), (one) => at(one.created_at)],
    [t("address"), (one) => one.url],
    [t("attempts"), (one) => number(one.attempts), "number"],
    [t("fact-failure"), (one) => one.error ?? `HTTP ${one.http_status}`],
  ], all.latest_failed);
  return h("div", {}, sums, failed);
}
