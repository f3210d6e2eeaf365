/* What the screen says, in five languages: words/<language>.json, all with the same keys. */

let words = {};
let language = "en";
let plurals = new Intl.PluralRules("en");

export const LANGUAGES = { en: "English", nl: "Nederlands", de: "Deutsch", fr: "Français", es: "Español" };
const KEPT = "agenda.language";

/* The language that was chosen on this device, else the one the server read from the browser. */
export async function loadWords(files, wished = localStorage.getItem(KEPT)) {
  const chosen = wished in LANGUAGES ? wished : document.documentElement.lang;
  const answer = await fetch(`${files}/words/${chosen}.json`);
  if (!answer.ok) throw new Error(`words: ${answer.status}`);
  words = await answer.json();
  language = chosen;
  plurals = new Intl.PluralRules(chosen);
  document.documentElement.lang = chosen;
}

export function chooseLanguage(code) {
  localStorage.setItem(KEPT, code);
}

export const currentLanguage = () => language;

/* t("mail.due", {client: "Alice", count: 30}): {name} is filled in; with `count` the key's plural form is taken,
   "one" or "other". */
export function t(key, values = {}) {
  let text = words[key];
  if (text !== null && typeof text === "object") text = text[plurals.select(values.count)] ?? text.other;
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/* A code of the API in words of ours, or what the API said itself. */
export function tOr(key, otherwise) {
  return key in words ? t(key) : otherwise;
}

const forms = new Map();

function form(options) {
  const key = language + JSON.stringify(options);
  if (!forms.has(key)) forms.set(key, new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, options));
  return forms.get(key);
}

function day(date) {
  return new Date(`${date.slice(0, 10)}T12:00:00Z`);
}

export function dayInWords(date) {
  const text = form({ weekday: "long", day: "numeric", month: "long", timeZone: "UTC" }).format(day(date));
  return text[0].toUpperCase() + text.slice(1);
}

export function dayShort(date) {
  return form({ weekday: "short", day: "numeric", month: "short", timeZone: "UTC" }).format(day(date));
}

/* "23-29 Nov" */
export function daysInWords(first, last) {
  return form({ day: "numeric", month: "short", timeZone: "UTC" }).formatRange(day(first), day(last));
}

/* What a sheet of paper is headed with. */
export function dayInFull(date) {
  return form({ weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(day(date));
}

export function dayWithYear(date) {
  return form({ day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(day(date));
}

export function money(amount, currency) {
  const locale = language === "en" ? "en-GB" : language;
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(Number(amount));
}

export function duration(minutes) {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (!hours) return t("minutes", { count: rest });
  if (!rest) return t("hours", { count: hours });
  return `${t("hours", { count: hours })} ${t("minutes", { count: rest })}`;
}

export function listed(names) {
  return new Intl.ListFormat(language, { type: "conjunction" }).format(names);
}
