// Where films are made: routes with their engines in order, and why a film was made by the one it was.

import { h } from "./dom.js";
import { table } from "./table.js";
import { money, number, t } from "./words.js";

/** The routes of the system, in the order in which they are looked at. */
export function routesTable({ routes, upstreams }) {
  const known = new Map(upstreams.map((one) => [one.name, one]));
  const nameOf = (route, place) => {
    if (place < routes.length - 1) return route.name;
    return t(routes.length > 1 ? "route-otherwise" : "route-all");
  };
  const rows = routes.map((route, place) => ({ name: nameOf(route, place), engines: route.engines }));
  return table(t("routes"), [
    [t("route"), (row) => row.name],
    [t("engines-in-order"), (row) => h("ol", { class: "choices" }, row.engines.map((names) => h("li", {}, names.map((name) => engine(name, known.get(name))))))],
  ], rows);
}

function engine(name, upstream) {
  const kind = h("span", { class: "tag beside" }, upstream ? upstream.provider : t("engine-here"));
  return h("div", {}, h("strong", {}, name), " ", kind, upstream ? h("p", { class: "hint" }, limitsOf(upstream)) : null);
}

function limitsOf({ host, films_max, usd_per_day, usd_per_month }) {
  const budgets = [
    usd_per_day === null ? null : t("a-day", { amount: money(usd_per_day) }),
    usd_per_month === null ? null : t("a-month", { amount: money(usd_per_month) }),
  ];
  return [host, t("films-at-a-time", { count: number(films_max) }), ...budgets].filter(Boolean).join(" · ");
}

const ONE_OF = /^(?:first|(\S+)) of ([^;]+)(; .+)?$/s;
const OTHERS = /^those before it in (.+) did not take it$/s;

/** A task's `engine_reason` in the reader's language; what is not known stays as the server says it. */
export function reasonOf(text) {
  const others = OTHERS.exec(text);
  if (others) return t("reason-others", { list: others[1] });
  const found = ONE_OF.exec(text);
  if (!found) return text;
  const [, chosen, list, said = ""] = found;
  if (!list.includes(", ")) return t("reason-only") + said;
  return t(chosen ? "reason-chosen" : "reason-first", { list }) + said;
}
