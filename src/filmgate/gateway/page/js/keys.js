// API keys: made, shown once, changed, rotated, disabled, revoked; below them an admin's accounts.

import { accountsPanel } from "./accounts.js";
import { ask, get, post } from "./api.js";
import { confirm, copy, note, openWindow } from "./dialog.js";
import { button, fill, h } from "./dom.js";
import { keyForm } from "./key_form.js";
import { figures, table } from "./table.js";
import { moment, money, t } from "./words.js";

const at = (text) => (text ? moment(Date.parse(text) / 1000) : null);

export async function show(main, { account }) {
  const room = h("div", { class: "card" });
  const owners = account.is_admin ? accountsPanel() : null;
  const { data: models } = await get("/v1/models");

  async function draw() {
    const { data: keys } = await get("/v1/admin/keys");
    fill(room, table(t("view-keys"), columns(), keys));
    await owners?.draw();
  }

  function columns() {
    return [
      [t("key-column"), (key) => [h("strong", {}, key.name), h("p", { class: "hint" }, `${key.token_starts}… · ${key.account}`)]],
      [t("fact-status"), (key) => h("span", { class: `tag ${key.state}` }, t(`key-${key.state}`))],
      [t("scopes"), (key) => key.scopes.map((scope) => t(`scope-${scope}`)).join(", ")],
      [t("spent-month"), (key) => spent(key), "number"],
      [t("last-used"), (key) => at(key.last_used_at)],
      [t("actions"), (key) => rowActions(key)],
    ];
  }

  function spent(key) {
    const limit = key.budget_usd_month === null ? null : h("p", { class: "hint" }, t("of", { limit: money(key.budget_usd_month) }));
    return h("div", {}, money(key.spent_usd_month), limit);
  }

  function rowActions(key) {
    if (key.state === "revoked") return null;
    const path = `/v1/admin/keys/${key.id}`;
    const small = (word, act) => button(null, word, () => tried(act), { kind: "small-button" });
    const isOff = key.state === "disabled";
    return h(
      "div",
      { class: "row wrap", role: "group", "aria-label": key.name },
      small(t("edit"), () => edit(key)),
      small(t("rotate"), async () => showToken((await post(`${path}/rotate`, {})).data)),
      small(t(isOff ? "enable" : "disable"), () => post(`${path}/${isOff ? "enable" : "disable"}`)),
      small(t("revoke"), async () => {
        if (await confirm(t("revoke-title", key), t("revoke-text"), t("revoke"))) await ask("DELETE", path);
      }),
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

  function edit(key) {
    const others = (owners?.names() ?? []).filter((name) => name !== account.name);
    const accounts = [account.name, ...others];
    const close = openWindow(
      key ? key.name : t("new-key"),
      keyForm(key, { models, accounts }, async (fields) => {
        const { data } = key ? await ask("PATCH", `/v1/admin/keys/${key.id}`, { body: fields }) : await post("/v1/admin/keys", fields);
        close();
        if (data.token) showToken(data);
        await draw();
      }),
    );
  }

  const head = h(
    "div",
    { class: "row between view-head" },
    h("h1", {}, t("view-keys")),
    button("keys", t("new-key"), () => edit(null), { kind: "main" }),
  );
  fill(main, head, h("div", { class: "panels" }, room, owners?.element));
  await draw();
}

function showToken(key) {
  const line = h("input", { type: "text", readOnly: true, value: key.token, "aria-label": t("api-key") });
  const until = at(key.previous_token_until);
  const content = h(
    "div",
    {},
    h("p", {}, t("token-once")),
    h("div", { class: "row" }, line, button(null, t("copy"), () => copy(key.token), { kind: "main" })),
    until ? figures([[t("old-token"), until]]) : null,
  );
  openWindow(key.name, content);
  line.select();
}
