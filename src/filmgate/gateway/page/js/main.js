// Starts the page: words, session, frame, and the view that the address names after `#/`.

import { ask, get, onSignedOut } from "./api.js";
import { note } from "./dialog.js";
import { button, fill, h, icon } from "./dom.js";
import { showSignIn } from "./sign_in.js";
import { languages, loadWords, spoken, t } from "./words.js";

const VIEWS = {
  studio: () => import("./studio.js"),
  library: () => import("./library.js"),
  keys: () => import("./keys.js"),
  usage: () => import("./usage.js"),
  system: () => import("./system.js"),
};

const app = document.querySelector("#app");
let session = null;
let leaveView = () => {};

async function start() {
  await loadWords();
  onSignedOut(signedOut);
  try {
    await enter((await get("/v1/session")).data);
  } catch (error) {
    note(error.message, "bad");
  }
  draw();
}

/** Take a session, and what its key and account are. */
async function enter(opened) {
  session = opened;
  if (session) session = { ...session, ...(await get("/v1/admin/me")).data };
}

function signedOut() {
  if (session === null) return;
  session = null;
  draw();
}

function draw() {
  leaveView();
  leaveView = () => {};
  if (session) {
    drawFrame();
    return showView();
  }
  fill(app, languageChoice());
  return showSignIn(app, async (opened) => {
    await enter(opened);
    draw();
  });
}

function drawFrame() {
  const main = h("main", { id: "main", tabIndex: -1 });
  const skip = (event) => {
    event.preventDefault();
    main.focus();
  };
  fill(
    app,
    h("a", { class: "skip", href: "#main", onclick: skip }, t("skip")),
    h(
      "header",
      { class: "head" },
      h("a", { class: "brand", href: "#/studio" }, h("img", { src: "page/icon.svg", alt: "" }), "filmgate"),
      h(
        "nav",
        { class: "tabs", "aria-label": t("pages") },
        viewNames().map((name) =>
          h("a", { href: `#/${name}`, "data-view": name }, icon(name), h("span", {}, t(`view-${name}`))),
        ),
      ),
      h(
        "div",
        { class: "head-end" },
        languageChoice(),
        h("span", { class: "key-name", title: session.key_prefix }, session.key_name),
        button("out", null, signOut, { label: t("sign-out"), kind: "quiet" }),
      ),
    ),
    main,
  );
}

/** The views that this key may see. */
function viewNames() {
  const mayManage = session.scopes.includes("manage");
  const needs = { keys: mayManage, usage: mayManage, system: mayManage && session.account?.is_admin };
  return Object.keys(VIEWS).filter((name) => needs[name] ?? true);
}

function languageChoice() {
  const onchange = async (event) => {
    await loadWords(event.target.value);
    draw();
  };
  const options = Object.entries(languages).map(([code, name]) =>
    h("option", { value: code, selected: code === spoken(), lang: code }, name),
  );
  return h("select", { class: "language", "aria-label": t("language"), onchange }, options);
}

async function signOut() {
  await ask("DELETE", "/v1/session");
  signedOut();
}

async function showView() {
  if (!session) return;
  const asked = location.hash.slice(2).split("/")[0];
  const name = viewNames().includes(asked) ? asked : "studio";
  for (const link of document.querySelectorAll(".tabs a")) {
    const isHere = link.dataset.view === name;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  leaveView();
  leaveView = () => {};
  document.title = `${t(`view-${name}`)} – filmgate`;
  const main = document.querySelector("#main");
  fill(main, h("p", { class: "hint" }, t("loading")));
  try {
    const view = await VIEWS[name]();
    leaveView = (await view.show(main, session)) ?? (() => {});
  } catch (error) {
    if (error.status !== 401) fill(main, h("p", { class: "notice bad", role: "alert" }, error.message));
  }
}

window.addEventListener("hashchange", showView);
window.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  if (event.reason.status !== 401) note(event.reason.message, "bad");
});
start();
