// A bar chart of days. Its figures can be read from its title, bar by bar, and from tables beside it.

import { h } from "./dom.js";
import { day } from "./words.js";

const HEIGHT = 100;
const GAP = 0.28;
const SPACE = "http://www.w3.org/2000/svg";

/** `points`: `{date, value}`, one a day, drawn across the whole width. `say` puts a value into words. */
export function dayChart(points, { label, say, kind = "" }) {
  const most = Math.max(...points.map((point) => point.value), 0);
  const view = { viewBox: `0 0 ${points.length} ${HEIGHT}`, preserveAspectRatio: "none" };
  const chart = node("svg", { ...view, role: "img", "aria-label": label, class: `chart ${kind}` });
  points.forEach((point, place) => {
    const height = most ? (point.value / most) * HEIGHT : 0;
    const bar = node("rect", { x: place + GAP / 2, y: HEIGHT - height, width: 1 - GAP, height });
    const said = node("title", {});
    said.textContent = `${day(point.date)}: ${say(point.value)}`;
    bar.append(said);
    chart.append(bar);
  });
  const marks = [0, Math.floor((points.length - 1) / 2), points.length - 1];
  const dates = [...new Set(marks)].map((place) => h("span", {}, day(points[place].date)));
  return h("div", { class: "chart-room" }, h("p", { class: "hint" }, say(most)), chart, h("p", { class: "hint" }, dates));
}

function node(tag, attributes) {
  const made = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
