// The form of one API key. It sends what its caller does with the fields.

import { h } from "./dom.js";
import { choice, line, plainForm } from "./plain_form.js";
import { t } from "./words.js";

const SCOPES = ["generate", "read", "manage"];
const PRIORITIES = ["low", "normal", "high"];
const NUMBERS = ["requests_per_minute", "concurrent_tasks_max", "queue_length_max"];
const BUDGETS = ["budget_usd_day", "budget_usd_month", "budget_usd_total"];

/** `key` null makes a new one, in one of `accounts`. Empty fields are no limit. */
export function keyForm(key, { models, accounts }, onsubmit) {
  const name = line("key", "name", key?.name ?? "", { required: true, maxLength: 100 });
  const owner = key || accounts.length < 2 ? null : choice("key", "account", accounts, accounts[0], (account) => account);
  const scopes = boxes("scopes", SCOPES, key?.scopes ?? ["generate", "read"], (scope) => t(`scope-${scope}`));
  const chosen = boxes("models", models.map((model) => model.id), key?.models ?? [], (id) => id, t("models-hint"));
  const networks = line("key", "networks", (key?.networks ?? []).join(", "), { placeholder: "10.0.0.0/8, 203.0.113.7" });
  const expires = line("key", "expires_at", localTime(key?.expires_at), { type: "datetime-local" });
  const priority = choice("key", "priority", PRIORITIES, key?.priority ?? "normal", (one) => t(`priority-${one}`));
  const amounts = [...NUMBERS, ...BUDGETS].map((field) =>
    line("key", field, key?.[field] ?? "", { type: "number", min: 0, step: BUDGETS.includes(field) ? "0.01" : "1", placeholder: t("no-limit") }),
  );

  function fields() {
    const from = networks.value().split(/[\s,]+/).filter(Boolean);
    const given = Object.fromEntries(amounts.map((one) => [one.name, one.value() === "" ? null : Number(one.value())]));
    return {
      name: name.value(),
      ...(owner && { account: owner.value() }),
      scopes: scopes.value(),
      models: chosen.value().length ? chosen.value() : null,
      networks: from.length ? from : null,
      expires_at: expires.value() ? new Date(expires.value()).toISOString() : null,
      priority: priority.value(),
      ...given,
    };
  }

  const parts = [name, owner, scopes, chosen, priority, ...amounts, networks, expires].filter(Boolean);
  return plainForm(parts, t(key ? "save" : "make-key"), () => onsubmit(fields()));
}

function boxes(field, values, chosen, say, hint = null) {
  const all = values.map((one) => {
    const box = h("input", { type: "checkbox", value: one, checked: chosen.includes(one) });
    return { box, label: h("label", { class: "pill" }, box, h("span", {}, say(one))) };
  });
  const legend = h("legend", {}, t(`key-field-${field}`));
  const element = h("fieldset", { class: "field" }, legend, h("div", { class: "pills" }, all.map(({ label }) => label)), hint ? h("p", { class: "hint" }, hint) : null);
  return { value: () => all.filter(({ box }) => box.checked).map(({ box }) => box.value), element };
}

/** A moment as a datetime-local field wants it. */
function localTime(text) {
  if (!text) return "";
  const moment = new Date(text);
  return new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
