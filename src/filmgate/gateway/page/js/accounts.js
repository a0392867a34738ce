// Accounts, for an admin: balances, credits granted, limits, new accounts. Keys stand in keys.js.

import { ask, get, post } from "./api.js";
import { note, openWindow } from "./dialog.js";
import { button, fill, h } from "./dom.js";
import { line, plainForm, toggle } from "./plain_form.js";
import { panelWith, table } from "./table.js";
import { money, number, t } from "./words.js";

const GRANT_START_USD = "25";
const pathOf = (account) => `/v1/admin/accounts/${account.id}`;

/** Return `{element, draw(), names()}`. */
export function accountsPanel() {
  const room = h("div", {});
  let accounts = [];
  const element = panelWith(t("accounts"), button(null, t("new-account"), create), h("p", { class: "hint" }, t("accounts-hint")), room);

  async function draw() {
    accounts = (await get("/v1/admin/accounts")).data;
    fill(room, table(t("accounts"), columns(), accounts));
  }

  function columns() {
    return [
      [t("key-column"), (one) => [h("strong", {}, one.name), " ", one.is_admin ? h("span", { class: "tag beside" }, t("admin")) : null]],
      [t("view-keys"), (one) => number(one.keys), "number"],
      [t("unfinished"), (one) => number(one.unfinished_tasks), "number"],
      [t("spent"), (one) => money(one.spent_usd), "number"],
      [t("balance"), balance, "number"],
      [t("actions"), rowActions],
    ];
  }

  function balance(one) {
    const held = one.held_usd ? h("p", { class: "hint" }, t("held", { amount: money(one.held_usd) })) : null;
    if (!one.is_limited) return h("div", {}, t("no-limit"), held);
    return h("div", { class: one.available_usd > 0 ? "" : "wrong" }, money(one.available_usd), held);
  }

  function rowActions(one) {
    const small = (word, act) => button(null, word, act, { kind: "small-button" });
    const limit = () => tried(() => ask("PATCH", pathOf(one), { body: { is_limited: !one.is_limited } }));
    return h(
      "div",
      { class: "row wrap", role: "group", "aria-label": one.name },
      small(t("grant"), () => grant(one)),
      small(t(one.is_limited ? "limit-off" : "limit-on"), limit),
    );
  }

  async function tried(act) {
    try {
      await act();
      await draw();
    } catch (error) {
      note(error.message, "bad");
    }
  }

  function grant(one) {
    const usd = line("grant", "usd", GRANT_START_USD, { type: "number", step: "0.01", required: true });
    const why = line("grant", "note", "", { maxLength: 200 });
    const form = plainForm([usd, why], t("grant"), async () => {
      await post(`${pathOf(one)}/credits`, { usd: usd.value(), ...(why.value() && { note: why.value() }) });
      close();
      await draw();
    });
    const hint = h("p", { class: "hint" }, t(one.is_limited ? "grant-hint" : "grant-unlimited"));
    const close = openWindow(t("grant-title", one), h("div", {}, hint, form));
  }

  function create() {
    const name = line("account", "name", "", { required: true, maxLength: 100 });
    const isLimited = toggle("account", "is_limited", true, t("account-hint-is_limited"));
    const isAdmin = toggle("account", "is_admin", false, t("account-hint-is_admin"));
    const form = plainForm([name, isLimited, isAdmin], t("make-account"), async () => {
      await post("/v1/admin/accounts", { name: name.value(), is_limited: isLimited.value(), is_admin: isAdmin.value() });
      close();
      await draw();
    });
    const close = openWindow(t("new-account"), form);
  }

  return { element, draw, names: () => accounts.map((one) => one.name) };
}
