// The studio: a form at one side, the film at the other, the latest films below.

import { get } from "./api.js";
import { cardOf } from "./card.js";
import { button, fill, h } from "./dom.js";
import { submit } from "./film.js";
import { isFinal } from "./follow.js";
import { modelForm } from "./form.js";
import { filmScreen } from "./screen.js";
import { showSnippets } from "./snippets.js";
import { t } from "./words.js";

const RECENT = 8;
const LOOK_MS = 3000;
let handedOver = null;

/** Take a request from another view into the form. */
export function openInStudio(request) {
  handedOver = request;
  location.hash = "#/studio";
}

export async function show(main) {
  const { data: models } = await get("/v1/models", { expand: "parameters,frames" });
  const recent = h("div", { class: "recent" });
  const side = h("div", { class: "side" });
  let form = null;
  let look = 0;

  const screen = filmScreen({
    onidea: (text) => form.set({ ...form.body(), prompt: text }),
    onedit: (request) => {
      form.set(request);
      form.focus();
    },
    onagain: made,
    onended: refresh,
    ondeleted: refresh,
  });

  function choose(model) {
    form = modelForm(model, { onsubmit: async (request) => made(await submit(request)) });
    const choice = h(
      "select",
      { "aria-label": t("field-model"), onchange: () => choose(models.find((one) => one.id === choice.value)) },
      models.map((one) => h("option", { value: one.id, selected: one === model }, one.title)),
    );
    const code = button("code", t("copy-as"), () => showSnippets(form.body()), { kind: "quiet" });
    fill(side, h("div", { class: "row between side-head" }, models.length > 1 ? choice : h("h1", {}, model.title), code), form.element);
  }

  function made(taskId) {
    screen.watch(taskId);
    screen.element.scrollIntoView({ block: "nearest", behavior: "smooth" });
    refresh();
  }

  async function refresh() {
    clearTimeout(look);
    const { data: tasks } = await get("/v1/tasks", { limit: RECENT, expand: "request" });
    const cards = tasks.map((task) => cardOf(task, open));
    const head = h("h2", { class: "small-head" }, t("recent"));
    fill(recent, tasks.length ? [head, h("div", { class: "strip" }, cards)] : []);
    if (tasks.some((task) => !isFinal(task)) && recent.isConnected) look = setTimeout(refresh, LOOK_MS);
  }

  function open(task) {
    if (isFinal(task)) screen.stop();
    if (isFinal(task)) screen.show(task);
    else screen.watch(task.id);
  }

  choose(models[0]);
  if (handedOver) form.set(handedOver);
  handedOver = null;
  fill(main, h("div", { class: "studio" }, side, h("div", { class: "house" }, screen.element, recent)));
  await refresh();
  return () => {
    clearTimeout(look);
    screen.stop();
  };
}
