// Makes and replaces elements. It knows nothing of films, words or requests.

/**
 * Make an element. `on…` properties are listeners, `class` and `data-`/`aria-`/other dashed names are
 * attributes, everything else is a property of the element. Children: nodes, texts, or null for none.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "for") element.htmlFor = value;
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Put children in the place of those that an element has. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const SHAPES = {
  dice: "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM8 8h.01M16 16h.01M16 8h.01M8 16h.01M12 12h.01",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
  sound: "M4 12h1M8 8v8M12 5v14M16 8v8M20 12h.01",
  close: "M6 6l12 12M18 6L6 18",
  play: "M7 5l12 7-12 7z",
  pause: "M8 5v14M16 5v14",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  share: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  again: "M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5",
  code: "M9 7l-5 5 5 5M15 7l5 5-5 5",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  compare: "M12 3v18M4 6h5v12H4zM15 6h5v12h-5z",
  studio: "M4 6h16v12H4zM10 9.5v5l4.5-2.5z",
  library: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  keys: "M14 10a4 4 0 1 1-3.5-4M11 12l-7 7v1h3v-2h2v-2h2l1.5-1.5",
  usage: "M4 20h16M7 16v-5M12 16V6M17 16v-8",
  system: "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01",
  out: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
};

/** A line drawing that stands beside a word, or in a button that has an aria-label. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  drawing.setAttribute("class", "icon");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[name]);
  drawing.append(path);
  return drawing;
}

/** A button with a drawing and a word; `word` null leaves the drawing alone, named by `label`. */
export function button(shape, word, onclick, { label = null, kind = "" } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${kind}`, onclick, "aria-label": label, title: label ?? "" },
    shape ? icon(shape) : null,
    word ? h("span", {}, word) : null,
  );
}
