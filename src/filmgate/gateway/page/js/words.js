// The page's words in the reader's language, and how numbers, money and times are said. One message
// file a language; what a language lacks is said in English.

const LANGUAGES = { en: "English", zh: "中文" };
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const KEPT = "filmgate.language";

let language = "en";
let messages = {};
let fallback = {};

/** Names of the languages, by code. */
export const languages = LANGUAGES;

/** The code of the language that is spoken now. */
export function spoken() {
  return language;
}

/** Choose a language: the one chosen before, else the browser's first that there is. */
export async function loadWords(chosen = null) {
  if (chosen) localStorage.setItem(KEPT, chosen);
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages];
  const codes = wanted.filter(Boolean).map((code) => code.toLowerCase().split("-")[0]);
  language = codes.find((code) => code in LANGUAGES) ?? "en";
  fallback = await read("en");
  messages = language === "en" ? fallback : await read(language);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
}

async function read(code) {
  const answer = await fetch(`page/messages/${code}.json`);
  return answer.json();
}

/** Say a message; `{name}` in it stands for a value. */
export function t(name, values = {}) {
  const text = messages[name] ?? fallback[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
}

/** Whether there is such a message. */
export function isSaid(name) {
  return name in messages || name in fallback;
}

export function money(usd, digits = 2) {
  const style = { style: "currency", currency: "USD", maximumFractionDigits: Math.max(digits, 2) };
  return new Intl.NumberFormat(language, { ...style, minimumFractionDigits: 2 }).format(usd);
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

export function moment(seconds) {
  const how = { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(language, how).format(new Date(seconds * 1000));
}

export function day(text) {
  const how = { month: "short", day: "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat(language, how).format(new Date(`${text}T00:00:00Z`));
}

/** A number of bytes in the unit that fits, such as `1.4 MiB`. */
export function size(bytes) {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), BYTE_UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${number(value, value < 100 ? 1 : 0)} ${BYTE_UNITS[power]}`;
}

/** A length of time in words, such as `1 min 5 s`. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("seconds", { count: whole });
  if (whole < 3600) return t("minutes", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
  return t("hours", { hours: number(Math.floor(whole / 3600)), minutes: Math.floor((whole % 3600) / 60) });
}
