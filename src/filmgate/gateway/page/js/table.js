// Tables with a caption, and key figures. What stands in them is the caller's.

import { h } from "./dom.js";

/** `columns`: `[heading, row => cell, kind]`; kind `number` is set right, `long` has room for sentences. */
export function table(caption, columns, rows) {
  const cell = (kind, ...content) => h("td", { class: kind ?? "" }, ...content);
  return h(
    "div",
    { class: "table-room", tabIndex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map(([heading, , kind]) => h("th", { scope: "col", class: kind ?? "" }, heading)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, columns.map(([, show, kind]) => cell(kind, show(row) ?? "–"))))),
    ),
  );
}

/** A few figures side by side: `[word, value, hint]`. */
export function figures(list) {
  const one = ([word, value, hint]) =>
    h("div", { class: "figure" }, h("dt", {}, word), h("dd", {}, value), hint ? h("dd", { class: "hint" }, hint) : null);
  return h("dl", { class: "figures" }, list.map(one));
}

export function panel(title, ...content) {
  return panelWith(title, null, ...content);
}

/** A panel with a control beside its title. */
export function panelWith(title, control, ...content) {
  const head = h("div", { class: "row between" }, h("h2", {}, title), control);
  return h("section", { class: "card panel", "aria-label": title }, head, ...content);
}
