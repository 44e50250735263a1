// Every text of the page comes from texts.json, a whole sentence each, with places for what is filled in. Names from
// elsewhere are made safe to look at on the way in: a character nobody can see, or that turns the line around, is shown
// as what it is, and a name keeps its own direction.

import { again } from "./api.js";

let texts = {};
const plural = new Intl.PluralRules("en");

/** Fetch the table; once, before anything is shown. */
export async function readTexts() {
  texts = await again(async () => (await fetch("/texts.json", { cache: "no-store" })).json());
}

/** The text of a key with its places filled. `count` chooses between one and many where there are both. */
export function t(key, values = {}) {
  let text = texts[key];
  if (text === undefined) throw new Error(`there is no text ${key}`);
  if (typeof text === "object") text = plural.select(values.count) === "one" ? text.one : text.many;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    if (value === undefined || value === null) throw new Error(`the text ${key} needs ${name}`);
    return typeof value === "number" ? value.toLocaleString("en") : apart(value);
  });
}

/** Whether there is a text. */
export function known(key) {
  return Object.hasOwn(texts, key);
}

/** The text for one of kitbag's own words, such as a kind of question; a word this page does not know is shown as it is. */
export function word(kind, own, values = {}) {
  return known(kind + own) ? t(kind + own, values) : shown(own ?? "");
}

// Joiners stay: Persian and Indic names need them, and they turn nothing around.
const HIDDEN = /[\p{Cc}\p{Cs}\u2028\u2029]|(?![\u200c\u200d])\p{Cf}/gu;

/** Any text from elsewhere made safe to look at. */
export function shown(text) {
  return String(text).replace(HIDDEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

/** The same inside a sentence: what is written from right to left turns nothing around it. */
function apart(text) {
  const safe = shown(text);
  return /^[ -~]*$/.test(safe) ? safe : `\u2068${safe}\u2069`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "long" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });

function daysAgo(when) {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  return Math.ceil((midnight - when) / 86_400_000);
}

/** A moment as people say it: 14:02, Monday 14:02, 3 October 2026 14:02; what is no moment is shown as it is. */
export function moment(time) {
  const when = new Date(time);
  if (Number.isNaN(when.getTime())) return shown(time);
  const values = { time: clock.format(when) };
  const days = daysAgo(when);
  if (days === 0) return t("moment.today", values);
  if (days === 1) return t("moment.yesterday", values);
  if (days > 1 && days < 7) return t("moment.weekday", { ...values, day: weekday.format(when) });
  return t("moment.date", { ...values, date: date.format(when) });
}

/** The day of a moment, as a heading. */
export function day(time) {
  const when = new Date(time);
  if (Number.isNaN(when.getTime())) return t("day.unknown");
  const days = daysAgo(when);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  return date.format(when);
}

/** The time of day of a moment. */
export function timeOfDay(time) {
  const when = new Date(time);
  return Number.isNaN(when.getTime()) ? shown(time ?? "") : clock.format(when);
}

/** Bytes as people say them. */
export function size(bytes) {
  let [value, at] = [bytes, 0];
  const units = ["B", "KB", "MB", "GB", "TB"];
  while (value >= 1000 && at < units.length - 1) [value, at] = [value / 1000, at + 1];
  return `${value.toLocaleString("en", { maximumFractionDigits: at && value < 10 ? 1 : 0 })} ${units[at]}`;
}
