// What became of every file, the newest first, day by day; any version can be brought back, and what kitbag did last
// here can be taken back.

import { readWith } from "./api.js";
import { ask } from "./dialog.js";
import { el } from "./element.js";
import { begin, busy, endings, of, panel } from "./operation.js";
import { choose, instead, meant, Sheet } from "./workspaces.js";
import { day, moment, shown, size, t, timeOfDay, word } from "./words.js";

const versions = new Sheet();
const FIRST = 30;
let limit = FIRST;
let asked = null;

/** Draw it. `about` is the workspace, `more` a file of it. */
export function timeline({ state, about, more: path, again }) {
  const ws = meant(state, about);
  const title = el("h1", { tabindex: "-1" }, path ? t("history.of", { path }) : t("history.title"));
  if (ws === null) return [title, el("p", {}, t("history.none"))];
  const question = JSON.stringify([ws.workspace, path]);
  if (asked !== question) {
    asked = question;
    limit = FIRST;
    versions.forget();
  }
  const mark = JSON.stringify([question, limit, ws.files, ws.pending, ws.storage?.packs, ws.history_bytes, endings(state)]);
  const query = path ? { path, limit } : { limit };
  const sheet = versions.get(mark, () => readWith(query, "workspaces", ws.workspace, "history"), again);
  const occupied = busy(state, ws.workspace);
  const more = () => {
    limit *= 3;
    again();
  };
  return [
    title,
    choose(state, "history", ws),
    path ? el("p", {}, el("a", { href: `#/history/${encodeURIComponent(ws.workspace)}` }, t("history.all"))) : null,
    of(state, ws.workspace, "history").map((operation) => panel(operation, again)),
    instead(sheet) ?? [
      operations(ws, sheet.operations, occupied),
      sheet.versions.length === 0 ? el("p", {}, t("history.none")) : days(ws, sheet.versions, path, occupied),
      sheet.more ? el("p", {}, el("button", { type: "button", onclick: more }, t("history.older"))) : null,
    ],
  ];
}

function operations(ws, all, occupied) {
  if (all.length === 0) return null;
  return el("details", { class: "card", "data-key": "operations" },
    el("summary", {}, el("h2", {}, t("history.here"))),
    el("ol", { class: "rows" }, all.map((one, at) => el("li", { "data-key": `n${one.number}` },
      el("div", { class: "grow" },
        el("strong", {}, word("did.", one.what, { time: moment(one.when) })),
        el("ul", {}, one.changes.map((change) => el("li", {}, word("change.", change.what.replace(" ", "-"), { path: change.path }))),
          one.new_files > 0 ? el("li", {}, t("change.new", { count: one.new_files })) : null)),
      at === 0
        ? el("button", { type: "button", disabled: occupied, onclick: () => undo(ws) }, t("history.undo"))
        : null))));
}

async function undo(ws) {
  const yes = await ask({
    title: t("undo.title"),
    inside: el("p", {}, t("undo.means")),
    yes: t("history.undo"),
    no: t("dialog.not-now"),
  });
  if (yes) begin(ws.workspace, "undo");
}

function days(ws, all, path, occupied) {
  const groups = [];
  for (const version of all) {
    const name = day(version.when);
    if (groups.at(-1)?.name !== name) groups.push({ name, versions: [] });
    groups.at(-1).versions.push(version);
  }
  return groups.map((group, at) => el("section", { "data-key": `${at} ${group.name}` },
    el("h2", { class: "day" }, group.name),
    el("ol", { class: "timeline" }, group.versions.map((version) => el("li", { "data-key": version.id }, one(ws, version, path, occupied))))));
}

function one(ws, version, path, occupied) {
  const marks = [
    version.shown ? t("version.shown") : null,
    version.open ? t("version.open") : null,
    version.kept === false ? t("version.gone") : null,
  ].filter(Boolean);
  const file = `#/history/${encodeURIComponent(ws.workspace)}/${encodeURIComponent(version.path)}`;
  return [
    el("p", { class: "when" }, el("time", { datetime: version.when ?? "" }, timeOfDay(version.when))),
    el("div", { class: "grow" },
      el("p", { class: "path" }, version.path === path ? shown(version.path) : el("a", { href: file }, shown(version.path))),
      el("p", { class: "quiet" }, describe(version)),
      marks.map((text) => el("p", { class: "badge" }, text))),
    version.kept === true && !version.shown
      ? el("button", { type: "button", disabled: occupied, onclick: () => restore(ws, version) },
        t("history.restore"), el("span", { class: "unseen" }, t("history.restore-of", { path: version.path, time: moment(version.when) })))
      : null,
  ];
}

function describe({ what, machine, size: bytes }) {
  if (machine === null) return bytes === null ? t("version.cloud-gone", { what }) : t("version.cloud", { what, size: size(bytes) });
  return bytes === null ? t("version.machine-gone", { what, machine }) : t("version.machine", { what, machine, size: size(bytes) });
}

async function restore(ws, version) {
  const yes = await ask({
    title: t("restore.title", { path: version.path, time: moment(version.when) }),
    inside: el("p", {}, t("restore.means")),
    yes: t("history.restore"),
    no: t("dialog.not-now"),
  });
  if (yes) begin(ws.workspace, "restore", { path: version.path, at: version.id });
}
