// The door: a key is sent once, and the browser gets a cookie that no script can read.

import { ApiError, post } from "./api.js";
import { h } from "./dom.js";
import { t } from "./words.js";

/** Show the form; `whenOpen` is given the session. */
export function showSignIn(app, whenOpen) {
  const key = h("input", {
    id: "key",
    type: "password",
    name: "key",
    autocomplete: "current-password",
    required: true,
    placeholder: "fg_…",
    "aria-describedby": "key-hint",
  });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const go = h("button", { class: "button main wide", type: "submit" }, t("sign-in"));
  const onsubmit = async (event) => {
    event.preventDefault();
    wrong.textContent = "";
    go.disabled = true;
    try {
      await whenOpen((await post("/v1/session", { key: key.value })).data);
    } catch (error) {
      const isWrong = error instanceof ApiError && error.status === 401;
      wrong.textContent = isWrong ? t("wrong-key") : error.message;
      key.setAttribute("aria-invalid", "true");
      key.focus();
    } finally {
      go.disabled = false;
    }
  };
  document.title = `${t("sign-in")} – filmgate`;
  app.append(
    h(
      "main",
      { class: "door" },
      h("img", { src: "page/icon.svg", alt: "", class: "door-mark" }),
      h("h1", {}, "filmgate"),
      h("p", { class: "hint" }, t("door")),
      h(
        "form",
        { class: "card", onsubmit },
        h("label", { for: "key" }, t("api-key")),
        key,
        h("p", { class: "hint", id: "key-hint" }, t("key-hint")),
        wrong,
        go,
      ),
    ),
  );
  key.focus();
}
