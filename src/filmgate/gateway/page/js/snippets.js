// A request as a program: curl, Python, JavaScript. The key is never in it, only the name of a variable.

import { encode } from "./api.js";
import { copy, openWindow } from "./dialog.js";
import { button, fill, h } from "./dom.js";
import { t } from "./words.js";

const LANGUAGES = { curl, Python: python, JavaScript: javaScript };

/** Show a request in each language, to be copied. */
export function showSnippets(request) {
  const code = h("code", {});
  const tabs = Object.entries(LANGUAGES).map(([name, write]) => {
    const onchange = () => {
      code.textContent = write(request, location.origin);
    };
    const radio = h("input", { type: "radio", name: "snippet", value: name, onchange });
    return h("label", { class: "pill" }, radio, h("span", {}, name));
  });
  const choice = h("fieldset", { class: "field" }, h("legend", { class: "unseen" }, t("copy-as")));
  fill(choice, h("legend", { class: "unseen" }, t("copy-as")), h("div", { class: "pills" }, tabs));
  const listing = h("pre", { class: "code", tabIndex: 0, role: "region", "aria-label": t("copy-as") }, code);
  const done = h("div", { class: "row end" }, button("code", t("copy"), () => copy(code.textContent), { kind: "main" }));
  openWindow(t("copy-as"), h("div", {}, choice, listing, done), { kind: "wide" });
  tabs[0].querySelector("input").click();
}

function curl(request, origin) {
  const body = encode(request, 2).replaceAll("'", "'\\''");
  return `curl -sS ${origin}/v1/videos/generations \\
  -H "Authorization: Bearer $FILMGATE_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '${body}'

# Then ask with the task_id of the answer until it has ended:
# curl -sS "${origin}/v1/tasks/TASK_ID?wait=30" -H "Authorization: Bearer $FILMGATE_API_KEY"`;
}

function python(request, origin) {
  const fields = Object.entries(request).map(([name, value]) => `        ${name}=${pythonValue(name, value)},`);
  const body = fields.join("\n");
  return `# pip install httpx
import os
import httpx

headers = {"Authorization": f"Bearer {os.environ['FILMGATE_API_KEY']}"}
with httpx.Client(base_url="${origin}", headers=headers, timeout=90) as server:
    request = dict(
${body}
    )
    answer = server.post("/v1/videos/generations", json=request).raise_for_status()
    task_id = answer.json()["data"][0]["task_id"]
    while True:
        task = server.get(f"/v1/tasks/{task_id}", params={"wait": 30}).raise_for_status().json()["data"]
        print(task["status"], task["progress"], "%")
        if task["status"] in ("completed", "failed", "cancelled"):
            break
    if task["status"] == "completed":
        film = server.get(task["result"]["videos"][0]["url"][0]).raise_for_status()
        open(f"{task_id}.mp4", "wb").write(film.content)
`;
}

function pythonValue(name, value) {
  if (name === "seed") return String(value);
  if (value === true) return "True";
  if (value === false) return "False";
  return JSON.stringify(value);
}

function javaScript(request, origin) {
  const body = encode(request, 2).replaceAll("\n", "\n  ");
  return `// node film.mjs
import { writeFile } from "node:fs/promises";

async function ask(path, options = {}) {
  const headers = { Authorization: \`Bearer \${process.env.FILMGATE_API_KEY}\`, "Content-Type": "application/json" };
  const answer = await fetch("${origin}" + path, { ...options, headers });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error.message);
  return said.data;
}

const [{ task_id }] = await ask("/v1/videos/generations", {
  method: "POST",
  body: JSON.stringify(${body}),
});
let task;
do task = await ask(\`/v1/tasks/\${task_id}?wait=30\`);
while (task.status === "pending" || task.status === "processing");
if (task.status !== "completed") throw new Error(task.error?.message ?? task.status);
const film = await fetch(task.result.videos[0].url[0]);
await writeFile(task_id + ".mp4", Buffer.from(await film.arrayBuffer()));
`;
}
