// Usage: videos, seconds, spend and failures by day, model and key.

import { get } from "./api.js";
import { dayChart } from "./chart.js";
import { fill, h, icon } from "./dom.js";
import { figures, panel, table } from "./table.js";
import { money, number, t } from "./words.js";

const DAYS = [7, 30, 90];
const MEASURES = {
  spend_usd: (value) => money(value),
  videos: (value) => number(value),
  seconds: (value) => number(value),
  failures: (value) => number(value),
};

export async function show(main) {
  const state = { days: 30, measure: "spend_usd" };
  const body = h("div", { class: "panels" });
  const periods = DAYS.map((days) => h("option", { value: days, selected: days === state.days }, t("last-days", { days })));
  const period = h("select", { "aria-label": t("period"), onchange: () => ((state.days = Number(period.value)), draw()) }, periods);
  const csv = h("a", { class: "button", download: "usage.csv" }, icon("down"), h("span", {}, "CSV"));
  const head = h("div", { class: "row between view-head" }, h("h1", {}, t("view-usage")), h("div", { class: "row" }, period, csv));

  async function draw() {
    const span = spanOf(state.days);
    csv.href = `/v1/admin/usage?${new URLSearchParams({ ...span, group_by: "date,model,key", format: "csv" })}`;
    const asked = ["date", "model", "key"].map((group_by) => get("/v1/admin/usage", { ...span, group_by }));
    const [byDay, byModel, byKey] = (await Promise.all(asked)).map((answer) => answer.data);
    const room = h("div", {});
    fill(
      body,
      figures(Object.entries(MEASURES).map(([name, say]) => [t(`sum-${name}`), say(byDay.total[name])])),
      panel(t("by-day"), measureChoice(state, () => drawChart()), room),
      panel(t("by-model"), sums(t("by-model"), t("field-model"), (row) => row.model, byModel.rows)),
      panel(t("by-key"), sums(t("by-key"), t("key"), (row) => row.key, byKey.rows)),
    );
    function drawChart() {
      const values = new Map(byDay.rows.map((row) => [row.date, row[state.measure]]));
      const points = daysOf(span).map((date) => ({ date, value: values.get(date) ?? 0 }));
      const kind = state.measure === "failures" ? "bad" : "";
      fill(room, dayChart(points, { label: `${t(`sum-${state.measure}`)}, ${t("by-day")}`, say: MEASURES[state.measure], kind }));
    }
    drawChart();
  }

  fill(main, head, body);
  await draw();
}

function measureChoice(state, onchange) {
  const pills = Object.keys(MEASURES).map((name) => {
    const radio = h("input", {
      type: "radio",
      name: "measure",
      checked: name === state.measure,
      onchange: () => ((state.measure = name), onchange()),
    });
    return h("label", { class: "pill" }, radio, h("span", {}, t(`sum-${name}`)));
  });
  return h("fieldset", { class: "field" }, h("legend", { class: "unseen" }, t("measure")), h("div", { class: "pills" }, pills));
}

function sums(caption, word, name, rows) {
  const columns = Object.entries(MEASURES).map(([measure, say]) => [t(`sum-${measure}`), (row) => say(row[measure]), "number"]);
  if (!rows.length) return h("p", { class: "hint" }, t("nothing-yet"));
  return table(caption, [[word, name], ...columns], rows);
}

function spanOf(days) {
  const today = Date.now();
  const start = new Date(today - (days - 1) * 86_400_000);
  return { start: start.toISOString().slice(0, 10), end: new Date(today).toISOString().slice(0, 10) };
}

function daysOf({ start, end }) {
  const days = [];
  for (let at = Date.parse(start); at <= Date.parse(end); at += 86_400_000) days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}
