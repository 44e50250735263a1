// Files that were changed on two computers at once, and files that are gone: both sides next to each other, and the
// answers. Last what needs none: cells that were kept though somebody deleted them. Which lines differ is said in words and
// signs, never by colour alone. Every answer can be taken back.

import { read, readWith } from "./api.js";
import { all, cells, going, keepFocus } from "./cells.js";
import { ask } from "./dialog.js";
import { head, pair } from "./diff.js";
import { el } from "./element.js";
import { begin, busy, endings, of, panel } from "./operation.js";
import { choose, instead, meant, Sheet } from "./workspaces.js";
import { moment, shown, size, t, word } from "./words.js";

const questions = new Sheet();
const opened = new Map();
let last = null;

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
  keepFocus();
  const mark = JSON.stringify([ws.conflicts, ws.held, ws.notes, ws.state, endings(state)]);
  const sheet = questions.get(mark, () => read("workspaces", ws.workspace, "conflicts"), again);
  const occupied = busy(state, ws.workspace);
  const done = of(state, ws.workspace, "conflicts");
  const told = (operation, heading = "h2") => [
    panel(operation, again, heading),
    ["resolve", "absent"].includes(operation.verb) && operation.ended !== null ? undo(ws, operation, occupied) : null,
  ];
  // what came of the answer for a cell stands where the cell stood: nothing above it moves
  const notes = sheet?.notes ?? [];
  const every = [...sheet?.conflicts ?? [], ...notes];
  const open = every.filter(inCells).map(({ path }) => path);
  if (sheet?.conflicts) forgetOthers(every);
  const within = done.find((operation) => open.includes(going(operation)));
  const card = (one) => (inCells(one)
    ? notebook(ws, one, occupied, again, within && going(within) === one.path ? told(within, "h3") : null)
    : question(ws, one, occupied, again));
  return [
    title,
    choose(state, "conflicts", ws),
    done.filter((operation) => operation !== within).map((operation) => told(operation)),
    instead(sheet) ?? [
      sheet.conflicts.length + sheet.held.length === 0 ? el("p", {}, t("conflicts.none")) : el("p", {}, t("conflicts.safe")),
      sheet.conflicts.map(card),
      gone(ws, sheet.held, occupied),
      notes.map(card),
    ],
  ];
}

function undo(ws, operation, occupied) {
  return el("p", { "data-key": `undo-${operation.id}` }, el("button", { type: "button", disabled: occupied, onclick: () => begin(ws.workspace, "undo") }, t("conflicts.undo")));
}

/** What was opened of questions that are no more. */
function forgetOthers(all_) {
  const paths = new Set(all_.map(({ path }) => path));
  [...opened.keys()].filter((path) => !paths.has(path)).forEach((path) => opened.delete(path));
}

/** Whether it is about cells of a notebook. */
function inCells({ cells: own }) {
  return (own?.length ?? 0) > 0;
}

/** What is asked about the cells of a notebook; that nothing is, where they only tell. */
function asks(own) {
  const count = own.filter((one) => !one.deleted_by).length;
  return count > 0 ? t("cells.waiting", { count }) : t("cells.noted", { count: own.length });
}

/** A notebook whose cells wait or tell: they are there at once, and each is answered where it stands. */
function notebook(ws, conflict, occupied, again, told) {
  const sheet = opened.get(conflict.path) ?? new Sheet();
  opened.set(conflict.path, sheet);
  const mark = JSON.stringify([conflict.sides, conflict.cells.map(({ cell }) => cell)]);
  const read_ = sheet.get(mark, () => readWith({ path: conflict.path }, "workspaces", ws.workspace, "cells"), again);
  const open = new Set(conflict.cells.map(({ cell }) => cell));
  // until it is read again it holds cells that were answered
  const standing = () => ({ ...read_, cells: read_.cells.filter(({ cell }) => open.has(cell)) });
  const about = { ws, conflict, sheet, occupied, again };
  return el("article", { class: "card", "data-key": conflict.path, "aria-label": shown(conflict.path) },
    el("h2", { class: "path", tabindex: "-1" }, shown(conflict.path)),
    el("p", {}, asks(conflict.cells)),
    instead(read_) ?? [all(about, standing()), cells(about, standing(), told)]);
}

function question(ws, conflict, occupied, again) {
  // a folder that is one thing has no text to look at
  const one = conflict.kind === "unit";
  const sheet = one ? null : opened.get(conflict.path);
  // any side's id names the question
  const sides = sheet?.get(JSON.stringify(conflict.sides), () => read("workspaces", ws.workspace, "conflicts", conflict.sides[0].id), again);
  return el("article", { class: "card", "data-key": conflict.path, "aria-label": shown(conflict.path) },
    el("h2", { class: "path" }, shown(conflict.path)),
    el("p", {}, word("kind.", conflict.kind)),
    one ? el("p", {}, t("unit.means")) : null,
    el("ul", { class: "sides" }, conflict.sides.map((side) => el("li", { "data-key": side.id }, sideLine(side)))),
    answers(ws, conflict, occupied),
    one ? null : el("p", {}, el("button", { type: "button", onclick: () => toggle(conflict, again) }, t(sheet ? "conflicts.hide" : "conflicts.show"))),
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
  return others.map((right) => beside(left, right));
}

function beside(left, right) {
  const [a, b] = [left, right].map((side) => ({ who: owner(side), text: side.text }));
  if (a.text !== null && b.text !== null) return pair(a, b);
  return el("div", { class: "diff" }, head(a.who, "left"), head(b.who, "right"), plain(left, "left"), plain(right, "right"));
}

function plain(side, at) {
  const text = side.size === null ? t("diff.deleted") : side.text ?? side.why_no_text ?? t("diff.no-text");
  return el("pre", { class: "whole", "data-side": at }, text.split("\n").map((line) => `${shown(line)}\n`));
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
