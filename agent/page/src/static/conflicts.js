// Files that were changed on two computers at once, and files that are gone: both sides next to each other, and the
// answers. Which lines differ is said in words and signs, never by colour alone. Every answer can be taken back.

import { read } from "./api.js";
import { ask } from "./dialog.js";
import { el } from "./element.js";
import { compare } from "./lines.js";
import { begin, busy, of, panel } from "./operation.js";
import { choose, instead, meant, Sheet } from "./workspaces.js";
import { moment, shown, size, t, word } from "./words.js";

const questions = new Sheet();
const opened = new Map();
let last = null;
/** Lines that stay around a difference. */
const AROUND = 2;
/** Most rows that are drawn of one file. */
const MOST = 2_000;

/** Draw it. */
export function conflicts({ state, about, again }) {
  const ws = meant(state, about);
  const title = el("h1", { tabindex: "-1" }, t("conflicts.title"));
  if (ws === null) return [title, el("p", {}, t("conflicts.none"))];
  if (last !== ws.workspace) {
    last = ws.workspace;
    questions.forget();
    opened.clear();
  }
  const mark = JSON.stringify([ws.conflicts, ws.held, ws.state]);
  const sheet = questions.get(mark, () => read("workspaces", ws.workspace, "conflicts"), again);
  const occupied = busy(state, ws.workspace);
  const done = of(state, ws.workspace, "conflicts");
  return [
    title,
    choose(state, "conflicts", ws),
    done.map((operation) => panel(operation, again)),
    done.some(({ verb, ended }) => ["resolve", "absent"].includes(verb) && ended !== null) ? undo(ws, occupied) : null,
    instead(sheet) ?? [
      sheet.conflicts.length + sheet.held.length === 0 ? el("p", {}, t("conflicts.none")) : el("p", {}, t("conflicts.safe")),
      sheet.conflicts.map((one) => question(ws, one, occupied, again)),
      gone(ws, sheet.held, occupied),
    ],
  ];
}

function undo(ws, occupied) {
  return el("p", {}, el("button", { type: "button", disabled: occupied, onclick: () => begin(ws.workspace, "undo") }, t("conflicts.undo")));
}

function question(ws, conflict, occupied, again) {
  const sheet = opened.get(conflict.path);
  // any side's id names the question
  const sides = sheet?.get(JSON.stringify(conflict.sides), () => read("workspaces", ws.workspace, "conflicts", conflict.sides[0].id), again);
  return el("article", { class: "card", "data-key": conflict.path, "aria-label": shown(conflict.path) },
    el("h2", { class: "path" }, shown(conflict.path)),
    el("p", {}, word("kind.", conflict.kind)),
    el("ul", { class: "sides" }, conflict.sides.map((side) => el("li", { "data-key": side.id }, sideLine(side)))),
    answers(ws, conflict, occupied),
    el("p", {}, el("button", { type: "button", onclick: () => toggle(conflict, again) }, t(sheet ? "conflicts.hide" : "conflicts.show"))),
    sheet ? instead(sides) ?? both(sides) : null);
}

function toggle(conflict, again) {
  if (opened.has(conflict.path)) opened.delete(conflict.path);
  else opened.set(conflict.path, new Sheet());
  again();
}

function owner(side) {
  if (side.machine === null) return t("side.cloud");
  return side.this ? t("side.this", { machine: side.machine }) : shown(side.machine);
}

function sideLine(side) {
  if (side.size === null) return t("side.deleted", { who: owner(side), when: side.when ? moment(side.when) : t("moment.unknown") });
  return t("side.line", { who: owner(side), when: side.when ? moment(side.when) : t("moment.unknown"), size: size(side.size) });
}

function answers(ws, conflict, occupied) {
  const { path, sides } = conflict;
  const keep = (answer, text) => el("button", {
    type: "button", disabled: occupied, "data-key": answer, onclick: () => begin(ws.workspace, "resolve", { path, keep: answer }),
  }, text);
  const one = (side) => {
    const answer = side.this ? "this" : sides.length === 2 ? "other" : side.id;
    const who = side.machine;
    if (side.size === null) return keep(answer, t("keep.deleted"));
    if (side.this) return keep(answer, t("keep.mine"));
    return keep(answer, who === null ? t("keep.cloud") : t("keep.theirs", { machine: who }));
  };
  const whole = sides.every((side) => side.size !== null);
  return el("div", { class: "buttons", role: "group", "aria-label": t("conflicts.answers", { path }) },
    sides.map(one), whole ? keep("both", sides.length === 2 ? t("keep.both") : t("keep.all")) : null);
}

function both(sheet) {
  const [left, ...others] = sheet.sides;
  return others.map((right) => pair(left, right));
}

function pair(left, right) {
  const head = (side, at) => el("div", { class: "side", "data-side": at }, el("h3", {}, owner(side)));
  const bare = [left, right].find((side) => side.text === null);
  if (bare) {
    return el("div", { class: "diff" }, head(left, "left"), head(right, "right"), plain(left, "left"), plain(right, "right"));
  }
  const rows = compare(left.text, right.text);
  const parts = folded(rows.slice(0, MOST));
  const [a, b] = [owner(left), owner(right)];
  return [
    el("p", { class: "quiet" }, t("diff.legend", { left: a, right: b })),
    el("div", { class: "diff", tabindex: "0", role: "group", "aria-label": t("diff.label", { left: a, right: b }) }, head(left, "left"), head(right, "right"),
      parts.map((part) => (part.hidden
        ? el("p", { class: "gap" }, t("diff.same", { count: part.hidden }))
        : [cell(part.left, part.same, "left", a), cell(part.right, part.same, "right", b)]))),
    rows.length > MOST ? el("p", { class: "quiet" }, t("diff.long", { count: rows.length - MOST })) : null,
  ];
}

function plain(side, at) {
  const text = side.size === null ? t("diff.deleted") : side.text ?? side.why_no_text ?? t("diff.no-text");
  return el("pre", { class: "whole", "data-side": at }, text.split("\n").map((line) => `${shown(line)}\n`));
}

function cell(line, same, at, who) {
  if (line === null) return el("div", { class: "line empty", "data-side": at });
  return el("div", { class: same ? "line same" : "line only", "data-side": at },
    el("span", { class: "number", "aria-hidden": "true" }, String(line.number)),
    el("span", { class: "sign", "aria-hidden": "true" }, same ? " " : at === "left" ? "◂" : "▸"),
    same ? null : el("span", { class: "unseen" }, t("diff.only", { who })),
    el("code", {}, shown(line.text) || " "));
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

/** Most files that are named of those that are gone. */
const NAMED = 100;

function gone(ws, held, occupied) {
  if (held.length === 0) return null;
  const answer = async (what) => {
    if (what === "accept") {
      const yes = await ask({
        title: t("gone.sure", { count: held.length }),
        inside: el("p", {}, t("gone.kept")),
        yes: t("gone.accept"),
        no: t("dialog.not-now"),
      });
      if (!yes) return;
    }
    begin(ws.workspace, "absent", { answer: what });
  };
  return el("article", { class: "card", "data-key": "gone", "aria-labelledby": "gone" },
    el("h2", { id: "gone" }, t("gone.title", { count: held.length })),
    el("p", {}, t("gone.means")),
    el("ul", {}, held.slice(0, NAMED).map(({ path, reason }) => el("li", {}, word("reason.", reason, { path })))),
    held.length > NAMED ? el("p", {}, t("gone.more", { count: held.length - NAMED })) : null,
    el("div", { class: "buttons" },
      el("button", { type: "button", class: "first", disabled: occupied, onclick: () => answer("restore") }, t("gone.restore")),
      el("button", { type: "button", disabled: occupied, onclick: () => answer("accept") }, t("gone.accept"))));
}
