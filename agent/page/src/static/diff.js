// Texts next to each other, with what only one of them has marked: by a sign and a word, never by colour alone.

import { el } from "./element.js";
import { compare } from "./lines.js";
import { shown, t } from "./words.js";

/** Lines that stay around a difference. */
const AROUND = 2;
/** Most rows that are drawn of one text. */
const MOST = 2_000;
/** Most characters that are drawn of one line. */
const LONGEST = 2_000;

/** Two texts, `{who, text}` each, whose lines stand beside each other; `heading` fits what stands above them. */
export function pair(left, right, heading = "h3") {
  const rows = compare(left.text, right.text);
  const [a, b] = [left.who, right.who];
  return [
    el("p", { class: "quiet" }, t("diff.legend", { left: a, right: b })),
    el("div", { class: "diff", tabindex: "0", role: "group", "aria-label": t("diff.label", { left: a, right: b }) },
      head(a, "left", heading), head(b, "right", heading),
      folded(rows.slice(0, MOST)).map((part) => (part.hidden
        ? el("p", { class: "gap" }, t("diff.same", { count: part.hidden }))
        : [line(part.left, part.same, "left", a), line(part.right, part.same, "right", b)]))),
    more(rows.length),
  ];
}

/** What stands above a text of a pair. */
export function head(who, at, heading = "h3") {
  return el("div", { class: "side", "data-side": at }, el(heading, {}, who));
}

/** The lines of one text among several. `rest` are the others: a line that not all of them have is marked. */
export function column({ who, text }, rest) {
  const all = rest.map((other) => compare(text, other.text).filter((row) => row.left));
  const own = all[0] ?? compare(text, "").filter((row) => row.left);
  return [
    el("div", { class: "lines", tabindex: "0", role: "group", "aria-label": t("cells.version", { who }) },
      own.slice(0, MOST).map((row, at) => line(row.left, all.every((rows) => rows[at].same), "left", null))),
    more(own.length),
  ];
}

function more(rows) {
  return rows > MOST ? el("p", { class: "quiet" }, t("diff.long", { count: rows - MOST })) : null;
}

function line(one, same, at, who) {
  if (one === null) return el("div", { class: "line empty", "data-side": at });
  return el("div", { class: same ? "line same" : "line only", "data-side": at },
    el("span", { class: "number", "aria-hidden": "true" }, String(one.number)),
    el("span", { class: "sign", "aria-hidden": "true" }, same ? " " : at === "left" ? "◂" : "▸"),
    same ? null : el("span", { class: "unseen" }, who === null ? t("diff.differs") : t("diff.only", { who })),
    el("code", {}, code(one.text, same) || " "));
}

/** A line of code, safe to look at. A tab is seen where a line differs: it may be all that does. */
export function code(text, same) {
  const part = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return shown(part.replaceAll("\t", same ? "    " : "⇥   "));
}

/** Long stretches that are the same become one row that says how many lines they are. */
function folded(rows) {
  const near = rows.map(() => false);
  rows.forEach((row, at) => {
    if (row.same) return;
    for (let i = Math.max(0, at - AROUND); i <= Math.min(rows.length - 1, at + AROUND); i += 1) near[i] = true;
  });
  const parts = [];
  rows.forEach((row, at) => {
    if (near[at]) parts.push(row);
    else if (parts.at(-1)?.hidden) parts.at(-1).hidden += 1;
    else parts.push({ hidden: 1 });
  });
  return parts;
}
