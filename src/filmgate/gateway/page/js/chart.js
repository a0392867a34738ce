// A bar chart of days, drawn as SVG. The same figures stand in a table for whoever cannot see it.

import { h } from "./dom.js";
import { day } from "./words.js";

const WIDTH = 720;
const HEIGHT = 200;
const FOOT = 22;
const TOP = 18;

/** `points`: `{date, value}`, one a day. `say` puts a value into words. */
export function dayChart(points, { label, say, kind = "" }) {
  const most = Math.max(...points.map((point) => point.value), 0);
  const room = WIDTH / Math.max(points.length, 1);
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: `chart ${kind}` });
  svg.append(node("line", { x1: 0, x2: WIDTH, y1: HEIGHT - FOOT, y2: HEIGHT - FOOT, class: "axis" }));
  if (most > 0) {
    svg.append(node("line", { x1: 0, x2: WIDTH, y1: TOP, y2: TOP, class: "axis faint" }));
    svg.append(text(0, TOP - 5, say(most)));
  }
  points.forEach((point, place) => {
    const high = most ? (point.value / most) * (HEIGHT - FOOT - TOP) : 0;
    const bar = node("rect", {
      x: place * room + room * 0.14,
      y: HEIGHT - FOOT - high,
      width: room * 0.72,
      height: high,
      rx: Math.min(4, room * 0.2),
    });
    const said = node("title", {});
    said.textContent = `${day(point.date)}: ${say(point.value)}`;
    bar.append(said);
    svg.append(bar);
  });
  const marks = [0, Math.floor((points.length - 1) / 2), points.length - 1];
  for (const place of new Set(marks)) {
    if (place >= 0) svg.append(text(place * room + room / 2, HEIGHT - 6, day(points[place].date), anchorOf(place, points.length)));
  }
  return h("div", { class: "chart-room" }, svg);
}

function anchorOf(place, count) {
  if (place === 0 && count > 1) return "start";
  return place === count - 1 && count > 1 ? "end" : "middle";
}

function text(x, y, words, anchor = "start") {
  const said = node("text", { x, y, "text-anchor": anchor });
  said.textContent = words;
  return said;
}

function node(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
