// Asks the public HTTP API with the session's cookie. It shows nothing.

const PAGE_HEADER = { "X-Filmgate-Page": "1" };
// Seeds go up to 2^63 - 1, numbers of JavaScript are exact up to 2^53: long seeds travel as text.
const LONG_SEED = /"seed":(\d{16,})/g;

/** An answer that says what went wrong. `broken` maps fields to messages. */
export class ApiError extends Error {
  constructor(status, error = {}) {
    super(error.message ?? `HTTP ${status}`);
    this.status = status;
    this.code = error.code;
    this.broken = Object.fromEntries((error.details ?? []).map((one) => [one.param, one.message]));
    if (error.param && !this.broken[error.param]) this.broken[error.param] = error.message;
  }
}

let whenSignedOut = () => {};

/** Say what is to be done when the session is over. */
export function onSignedOut(react) {
  whenSignedOut = react;
}

export async function ask(method, path, { body, form, query, idempotencyKey } = {}) {
  const headers = { ...PAGE_HEADER };
  if (body) headers["Content-Type"] = "application/json";
  if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
  const sent = { method, headers, body: form ?? (body && encode(body)), credentials: "same-origin" };
  const answer = await fetch(withQuery(path, query), sent);
  const text = await answer.text();
  const said = text && isJson(answer) ? decode(text) : null;
  if (answer.ok) return said;
  if (answer.status === 401 && path !== "/v1/session") whenSignedOut();
  throw new ApiError(answer.status, said?.error);
}

export const get = (path, query) => ask("GET", path, { query });
export const post = (path, body, more = {}) => ask("POST", path, { body, ...more });

/** Upload a file; returns a link that a request may name. `kind` is images or audios. */
export async function upload(kind, file) {
  const form = new FormData();
  form.append("file", file);
  return (await ask("POST", `/v1/uploads/${kind}`, { form })).url;
}

/** JSON of a request whose seed, if it has one, is a text of digits. */
export function encode(body, indent = 0) {
  const text = JSON.stringify(body, null, indent);
  return text.replace(/"seed":( ?)"(\d+)"/, '"seed":$1$2');
}

/** What JSON says; seeds are texts. */
export function decode(text) {
  const said = JSON.parse(text.replace(LONG_SEED, '"seed":"$1"'));
  return said;
}

/** A file's link as this page reaches it: the server may be known by another name elsewhere. */
export function own(url) {
  const there = new URL(url, location.href);
  return there.pathname.startsWith("/v1/files/") ? there.pathname + there.search : url;
}

function isJson(answer) {
  return (answer.headers.get("content-type") ?? "").startsWith("application/json");
}

function withQuery(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
