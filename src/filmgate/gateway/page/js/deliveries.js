// Webhook deliveries of all accounts: how each stands and why, and made again. It delivers nothing.

import { get, post } from "./api.js";
import { note } from "./dialog.js";
import { button, fill, h } from "./dom.js";
import { figures, panelWith, table } from "./table.js";
import { moment, number, t } from "./words.js";

const STATES = ["", "pending", "delivered", "failed"];
const PAGE = 10;
const PAGE_MAX = 100;

/** Return `{element, draw(sums)}`; `sums` are those of the system's `webhooks`. */
export function deliveriesPanel() {
  let state = "";
  let limit = PAGE;
  const sums = h("div", {});
  const room = h("div", {});
  const options = STATES.map((one) => h("option", { value: one }, one ? t(`delivery-${one}`) : t("all-states")));
  const choice = h("select", { "aria-label": t("fact-status"), onchange: () => ((state = choice.value), (limit = PAGE), list()) }, options);
  const more = button(null, t("load-more"), () => ((limit = Math.min(limit + PAGE, PAGE_MAX)), list()), { kind: "wide" });
  const element = panelWith(t("webhooks"), choice, sums, room, more);

  async function draw(webhooks) {
    fill(
      sums,
      figures([
        [t("deliveries-pending"), number(webhooks.pending)],
        [t("deliveries-delivered"), number(webhooks.delivered_last_day)],
        [t("deliveries-failed"), number(webhooks.failed_last_day)],
      ]),
    );
    await list();
  }

  async function list() {
    const wanted = state;
    const { data, next_cursor: cursor } = await get("/v1/admin/webhooks/deliveries", { status: state, limit });
    if (wanted !== state) return;
    fill(room, data.length ? table(t("webhooks"), columns(), data) : h("p", { class: "hint" }, t("no-deliveries")));
    more.hidden = cursor === null || limit === PAGE_MAX;
  }

  function columns() {
    return [
      [t("fact-status"), (one) => h("span", { class: `tag ${one.status}` }, t(`delivery-${one.status}`))],
      [t("address"), (one) => [h("span", { class: "anywhere" }, one.url), h("p", { class: "hint" }, h("code", {}, one.task_id))]],
      [t("fact-failure"), reason, "long"],
      [t("created-at"), (one) => moment(one.created)],
      [t("actions"), (one) => (one.attempts ? button(null, t("redeliver"), () => again(one), { kind: "small-button", label: `${t("redeliver")}: ${one.id}` }) : null)],
    ];
  }

  function reason(one) {
    const [latest] = one.log;
    if (!latest) return null;
    const next = one.next_attempt ? t("next-attempt", { at: moment(one.next_attempt) }) : null;
    const said = [t("attempts-made", { count: number(one.attempts) }), next].filter(Boolean).join(" · ");
    return [latest.error ?? `HTTP ${latest.http_status}`, h("p", { class: "hint" }, said)];
  }

  async function again(one) {
    try {
      await post(`/v1/admin/webhooks/deliveries/${one.id}/redeliver`);
      note(t("redelivered"));
      await list();
    } catch (error) {
      note(error.message, "bad");
    }
  }

  return { element, draw };
}
