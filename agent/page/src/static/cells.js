// The cells of a notebook that wait for an answer: every version of a cell as somebody would read it, next to each other,
// and an answer for each cell or for all at once. A cell that is answered goes; nothing above it moves, and the focus goes
// on to the next question. What stands in a cell is somebody else's text, whatever it looks like.

import { column, pair } from "./diff.js";
import { el } from "./element.js";
import { markdown } from "./markdown.js";
import { begin } from "./operation.js";
import { outputs, picture } from "./outputs.js";
import { shown, t, word } from "./words.js";

/** The answer for a cell that was given last: about which notebook, at which place, and the operation it became. */
let asked = null;

/** The path of the notebook whose cell this operation answers; null where it answers none. */
export function going({ id, verb, ended }) {
  if (asked === null || verb !== "resolve") return null;
  // what this page just asked for may be told before the page knows its id
  if (asked.id === null && ended === null) return asked.path;
  return asked.id === id ? asked.path : null;
}

/** Whose a version is, as far as that is known. */
function owner(by, { ws, conflict }) {
  const side = conflict.sides.find(({ id }) => id === by?.version);
  const machine = by?.machine ?? side?.machine ?? null;
  const mine = machine !== null && machine === ws.machine;
  const cloud = Boolean(side) && machine === null;
  const name = mine && machine ? t("side.this", { machine }) : cloud ? t("side.cloud") : machine;
  return { machine, mine, cloud, who: name === null ? t("cells.unknown") : shown(name) };
}

/** All versions of a cell, that of this computer first, each with the answer that keeps it. */
function versions(one, about) {
  const others = one.others.map((other) => ({
    ...other, ...owner(other.by, about), keep: one.others.length === 1 ? "other" : other.by?.version ?? other.cell,
  }));
  const all = one.source === null ? others : [{ ...one, ...owner(one.by, about), keep: "this" }, ...others];
  return all.sort((a, b) => Number(b.mine) - Number(a.mine));
}

/** Each cell; `told` is what came of the last answer, in the place of the cell it was about. */
export function cells(about, sheet, told) {
  const made = sheet.cells.map((one) => cell(one, about));
  if (told !== null) {
    const at = sheet.cells.findIndex(({ cell: name }) => name === asked.cell);
    made.splice(at < 0 ? asked.at : at + 1, 0, el("div", { class: "told", "data-key": "told" }, told));
  }
  return [made, sheet.more_cells > 0 ? el("p", { class: "quiet" }, t("cells.more", { count: sheet.more_cells })) : null];
}

function cell(one, about) {
  const all = versions(one, about);
  const place = `${about.conflict.path} ${one.cell}`;
  const title = word("cells.", one.kind, { number: one.number });
  return el("section", { class: "cell", "data-key": `cell ${one.cell}`, "aria-label": title },
    el("h3", { tabindex: "-1" }, title),
    el("p", {}, happened(one, all, about)),
    all.length === 1 ? alone(all[0], place, about) : next(one, all, place, about),
    outcome(one, all, place, about),
    answers(one, all, about));
}

/** In one sentence. */
function happened(one, all, about) {
  if (one.deleted_by) {
    const { who: deleted } = owner(one.deleted_by, about);
    return all[0].machine === null ? t("cells.deleted", { deleted }) : t("cells.deleted.changed", { deleted, changed: all[0].who });
  }
  if (one.source === null) return t("cells.left");
  if (all.length > 2) return t("cells.several", { count: all.length });
  return t("cells.two", { left: all[0].who, right: all[1].who });
}

function attached({ attached: all }, place, { again }) {
  return (name, alt) => (all?.[name]?.kind === "picture" ? picture(all[name], `${place} ${name}`, again, alt || name) : null);
}

/** A version as it reads. */
function body(version, rest, place, about) {
  const own = `${place} ${version.cell}`;
  return [
    version.kind === "markdown"
      ? el("div", { class: "markdown" }, markdown(version.source ?? version.text, attached(version, own, about)))
      : column({ who: version.who, text: version.source }, rest.map(({ source }) => ({ text: source }))),
    version.cut ? el("p", { class: "quiet" }, t("shown.cut")) : null,
  ];
}

function alone(version, place, about) {
  return el("div", { class: "versions" }, box(version, [], place, about));
}

function box(version, rest, place, about) {
  return el("div", { class: "version", "data-key": version.cell },
    el("h4", {}, version.who),
    body(version, rest, place, about));
}

/** Several versions. Two texts to run stand line by line; what is to be read stands as it reads, and line by line on demand. */
function next(one, all, place, about) {
  const texts = all.map(({ who, source }) => ({ who, text: source }));
  const lines = all.length === 2 ? pair(texts[0], texts[1], "h4") : null;
  const cut = all.some((version) => version.cut) ? el("p", { class: "quiet" }, t("shown.cut")) : null;
  if (lines && all.every(({ kind }) => kind !== "markdown")) return [lines, cut];
  const marked = all.length > 2 && all.filter(({ kind }) => kind !== "markdown").length > 1;
  return [
    marked ? el("p", { class: "quiet" }, t("cells.legend")) : null,
    el("div", { class: "versions" }, all.map((version) =>
      box(version, all.filter((other) => other !== version && other.kind !== "markdown"), place, about))),
    one.more_others > 0 ? el("p", { class: "quiet" }, t("cells.others", { count: one.more_others })) : null,
    lines ? el("details", { "data-key": "lines" }, el("summary", {}, t("cells.lines")), lines) : null,
  ];
}

/** What came out of the cell, which only the version that stands in the notebook has. */
function outcome(one, all, place, { again }) {
  if ((one.outputs?.length ?? 0) === 0) return null;
  const { who } = all.find(({ keep }) => keep === "this") ?? all[0];
  return el("div", { class: "outcome", "data-key": "outcome" },
    el("h4", {}, all.length > 1 ? t("cells.outputs.of", { who }) : t("cells.outputs")),
    one.stale ? el("p", { class: "quiet" }, t("cells.stale")) : null,
    outputs(one.outputs, place, again),
    one.more > 0 ? el("p", { class: "quiet" }, t("shown.more", { count: one.more })) : null);
}

/** What can be answered for one cell. */
function answers(one, all, about) {
  const { conflict: { path } } = about;
  const at = about.conflict.cells.findIndex(({ cell: name }) => name === one.cell);
  const button = (keep, text) => act(about, keep, text, () => { asked = { path, cell: one.cell, at, id: null }; }, { cell: one.cell });
  const single = one.deleted_by || one.source === null && all.length === 1;
  const [stays, goes] = one.source === null ? ["other", "this"] : ["this", "other"];
  return el("div", { class: "buttons", role: "group", "aria-label": t("cells.answers", { number: one.number, path }) },
    single ? [button(stays, t("cells.keep")), button(goes, t("cells.delete"))] : [
      all.map((version) => button(version.keep, named(version, all))),
      button("both", all.length === 2 ? t("keep.both") : t("keep.all")),
    ]);
}

/** What stands on the button that keeps a version. Two of one computer are told apart by their ids. */
function named(version, all) {
  const twins = all.filter(({ who }) => who === version.who);
  if (twins.length > 1) return t("keep.version", { who: version.who, version: (version.by?.version ?? version.cell).slice(0, 8) });
  if (version.mine) return t("keep.mine");
  if (version.cloud) return t("keep.cloud");
  return version.machine === null ? t("keep.unknown") : t("keep.theirs", { machine: version.machine });
}

/** A button that answers. While something goes on it does nothing, and keeps the focus. */
function act({ ws, conflict, occupied }, keep, text, before, more) {
  const press = async (event) => {
    // not every browser gives the focus to what is pressed
    event.currentTarget.focus({ preventScroll: true });
    before();
    const id = await begin(ws.workspace, "resolve", { path: conflict.path, keep, ...more });
    if (asked !== null && more.cell === asked.cell) asked = id === null ? null : { ...asked, id };
  };
  return el("button", {
    type: "button", "data-key": keep, "aria-disabled": occupied ? "true" : null, onclick: occupied ? () => {} : press,
  }, text);
}

const several = new WeakSet();
/** Words of a command's own, which name no computer. */
const WORDS = ["this", "other", "both", "merged"];

/** The answers for all cells that wait, where one means the same in each. One that was deleted and kept is asked by itself. */
export function all(about, sheet) {
  const each = sheet.cells.filter((one) => !one.deleted_by).map((one) => versions(one, about));
  // once it is there it stays for the last one too: nothing moves because one is answered
  if (each.length > 1) several.add(about.sheet);
  if (each.length === 0 || !several.has(about.sheet)) return null;
  const button = (keep, text) => act(about, keep, text, () => { asked = null; }, {});
  // the one way to keep what this computer wrote: by its place where that is the same in all, else by its name
  const way = ({ who, machine }) => {
    const found = each.map((own) => own.filter((version) => version.who === who));
    if (found.some(({ length }) => length !== 1)) return null;
    const [first] = found[0];
    if (["this", "other"].includes(first.keep) && found.every(([one]) => one.keep === first.keep)) return first.keep;
    return machine === null || WORDS.includes(machine) ? null : machine;
  };
  const offered = (each[0] ?? []).filter(({ machine, cloud }) => machine !== null || cloud).map((one) => [way(one), one]);
  return el("div", { class: "every", "data-key": "every" },
    el("p", {}, t("cells.all")),
    el("div", { class: "buttons", role: "group", "aria-label": t("cells.all") },
      offered.filter(([keep]) => keep !== null).map(([keep, { mine, who }]) =>
        button(keep, mine ? t("cells.all.mine") : t("cells.all.theirs", { who }))),
      button("both", t("cells.all.both"))));
}

/** Before the view is drawn: should the question that has the focus go, the next one gets it. */
export function keepFocus() {
  const cell_ = document.activeElement?.closest?.("main .cell");
  if (!cell_) return;
  const places = [...document.querySelectorAll("main .cell, main .path")];
  const at = places.indexOf(cell_);
  queueMicrotask(() => {
    if (cell_.isConnected) return;
    const next_ = places.slice(at + 1).concat(places.slice(0, at).reverse()).find((place) => place.isConnected);
    const heading = next_?.querySelector("h3") ?? next_ ?? document.querySelector("main h1");
    heading?.focus({ preventScroll: true });
    heading?.scrollIntoView({ block: "nearest" });
  });
}
