// The form of one API key. It sends what its caller does with the fields.

import { h } from "./dom.js";
import { t } from "./words.js";

const SCOPES = ["generate", "read", "manage"];
const PRIORITIES = ["low", "normal", "high"];
const NUMBERS = ["requests_per_minute", "concurrent_tasks_max", "queue_length_max"];
const BUDGETS = ["budget_usd_day", "budget_usd_month", "budget_usd_total"];

/** `key` null makes a new one. Empty fields are no limit. */
export function keyForm(key, models, onsubmit) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const name = line("name", key?.name ?? "", { required: true, maxLength: 100 });
  const scopes = boxes("scopes", SCOPES, key?.scopes ?? ["generate", "read"], (scope) => t(`scope-${scope}`));
  const chosen = boxes("models", models.map((model) => model.id), key?.models ?? [], (id) => id, t("models-hint"));
  const networks = line("networks", (key?.networks ?? []).join(", "), { placeholder: "10.0.0.0/8, 203.0.113.7" });
  const expires = line("expires_at", localTime(key?.expires_at), { type: "datetime-local" });
  const priority = choice("priority", PRIORITIES, key?.priority ?? "normal");
  const amounts = [...NUMBERS, ...BUDGETS].map((field) =>
    line(field, key?.[field] ?? "", { type: "number", min: 0, step: BUDGETS.includes(field) ? "0.01" : "1", placeholder: t("no-limit") }),
  );

  function fields() {
    const from = networks.value().split(/[\s,]+/).filter(Boolean);
    const given = Object.fromEntries(amounts.map((one) => [one.name, one.value() === "" ? null : Number(one.value())]));
    return {
      name: name.value(),
      scopes: scopes.value(),
      models: chosen.value().length ? chosen.value() : null,
      networks: from.length ? from : null,
      expires_at: expires.value() ? new Date(expires.value()).toISOString() : null,
      priority: priority.value(),
      ...given,
    };
  }

  async function send(event) {
    event.preventDefault();
    wrong.textContent = "";
    try {
      await onsubmit(fields());
    } catch (error) {
      wrong.textContent = error.message;
    }
  }

  return h(
    "form",
    { class: "key-form", onsubmit: send },
    [name, scopes, chosen, priority, ...amounts, networks, expires].map((one) => one.element),
    h("div", { class: "whole" }, wrong, h("div", { class: "row end" }, h("button", { class: "button main", type: "submit" }, t(key ? "save" : "make-key")))),
  );
}

function line(field, value, more) {
  const id = `key-${field}`;
  const input = h("input", { id, type: "text", value, ...more });
  return { name: field, value: () => input.value.trim(), element: h("div", { class: "field" }, h("label", { for: id }, t(`key-field-${field}`)), input) };
}

function choice(field, values, value) {
  const id = `key-${field}`;
  const list = h("select", { id }, values.map((one) => h("option", { value: one, selected: one === value }, t(`priority-${one}`))));
  return { value: () => list.value, element: h("div", { class: "field" }, h("label", { for: id }, t(`key-field-${field}`)), list) };
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
