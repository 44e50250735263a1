// The first run: at most four questions, each with an answer that is usually right, and then the start.

import { read } from "./api.js";
import { el } from "./element.js";
import { begin, panel } from "./operation.js";
import { instead, Sheet } from "./workspaces.js";
import { shown, t } from "./words.js";

const found = new Sheet();
const STEPS = ["course", "share", "work", "start"];
const answers = { from: null, course: "", share: null, other: "", work: null, machine: null };
let at = 0;
let operation = null;
let started = false;
let wrong = null;

/** Draw it. */
export function wizard({ state, again }) {
  const sheet = found.get("once", () => read("setup", "cloud-folders"), again);
  const running = operation === null ? null : state.operations.find((one) => one.id === operation) ?? null;
  const title = el("h1", { tabindex: "-1" }, t(state.workspaces.length === 0 ? "setup.welcome" : "setup.title"));
  const waits = instead(sheet);
  if (waits && !sheet?.finding) return [title, waits];
  if (running) return [title, panel(running, () => { operation = null; again(); }), whenSetUp(running)];
  const go = (step) => {
    at = step;
    wrong = null;
    again();
    document.getElementById("step")?.focus();
  };
  // the folder that `kitbag setup` proposes too, so that two computers find each other
  const clouds = (sheet?.folders ?? []).map(({ provider, path }) => ({ provider, share: within(path, "kitbag") }));
  const step = { course, share, work, start }[STEPS[at]];
  return [
    title,
    at === 0 && state.workspaces.length === 0 ? el("p", {}, t("setup.means")) : null,
    el("form", { class: "card", "data-key": STEPS[at], onsubmit: (event) => { event.preventDefault(); next(go, clouds, again); } },
      el("p", { class: "quiet" }, t("setup.step", { at: at + 1, of: STEPS.length })),
      step(clouds, sheet, again),
      wrong ? el("p", { class: "wrong", role: "alert" }, t(wrong)) : null,
      el("div", { class: "buttons" },
        el("button", { type: "submit", class: "first" }, t(at === STEPS.length - 1 ? "setup.go" : "setup.next")),
        at > 0 ? el("button", { type: "button", onclick: () => go(at - 1) }, t("setup.back")) : null)),
  ];
}

/** What comes when the folders are joined: the course is started at once. */
function whenSetUp({ ended }) {
  const name = ended?.document?.workspace;
  if (!name || ![0, 3, 4].includes(ended.exit) || started) return null;
  started = true;
  begin(name, "up").then(() => { location.hash = "#/home"; });
  return el("p", {}, t("setup.starting"));
}

function heading(key) {
  return el("h2", { id: "step", tabindex: "-1" }, t(key));
}

function choice(name, value, checked, text, onchange) {
  const id = `${name}-${value}`;
  return el("div", { class: "choice", "data-key": id },
    el("input", { type: "radio", name, id, value, checked, onchange }), el("label", { for: id }, text));
}

function field(id, value, text, hint, oninput) {
  return el("div", { class: "field", "data-key": id },
    el("label", { for: id }, text),
    el("input", { type: "text", id, value, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-hint`, oninput }),
    el("p", { id: `${id}-hint`, class: "quiet" }, hint));
}

function course(_, __, again) {
  const pick = (from) => () => { answers.from = from; again(); };
  return [
    heading("setup.course"),
    el("div", { role: "radiogroup", "aria-labelledby": "step" },
      choice("from", "cloud", answers.from === "cloud", t("setup.course.cloud"), pick("cloud")),
      choice("from", "file", answers.from === "file", t("setup.course.file"), pick("file")),
      choice("from", "none", answers.from === "none", t("setup.course.none"), pick("none"))),
    answers.from === "file"
      ? field("course", answers.course, t("setup.course.path"), t("setup.course.hint"), (event) => { answers.course = event.target.value; })
      : null,
  ];
}

function share(clouds, _, again) {
  const pick = (path) => () => { answers.share = path; answers.work = null; again(); };
  if (answers.share === null) answers.share = clouds[0]?.share ?? "";
  return [
    heading("setup.share"),
    el("p", {}, t(clouds.length > 0 ? "setup.share.found" : "setup.share.none")),
    el("div", { role: "radiogroup", "aria-labelledby": "step" },
      clouds.map((cloud, index) => choice("share", String(index), answers.share === cloud.share,
        t("setup.share.one", { provider: cloud.provider, path: cloud.share }), pick(cloud.share))),
      choice("share", "other", answers.share === "", t("setup.share.other"), pick(""))),
    answers.share === ""
      ? field("other", answers.other, t("setup.share.path"), t("setup.share.hint"), (event) => { answers.other = event.target.value; answers.work = null; })
      : null,
  ];
}

/** A path below another, written as this system writes paths. */
function within(folder, name) {
  return folder + (folder.includes("\\") ? "\\" : "/") + name;
}

function chosen() {
  return (answers.share || answers.other).trim();
}

function work(_, sheet) {
  if (answers.work === null) {
    const name = chosen().split(/[\\/]/).filter(Boolean).at(-1) ?? "kitbag";
    answers.work = sheet?.work_parent ? within(sheet.work_parent, name) : "";
  }
  return [
    heading("setup.work"),
    el("p", {}, t("setup.work.means")),
    field("work", answers.work, t("setup.work.path"), t("setup.work.hint"), (event) => { answers.work = event.target.value; }),
  ];
}

function start(_, sheet) {
  answers.machine ??= sheet?.machine ?? "";
  const row = (key, text) => [el("dt", {}, t(key)), el("dd", {}, shown(text))];
  return [
    heading("setup.start"),
    el("dl", {},
      row("setup.row.course", answers.from === "file" ? answers.course : t(`setup.course.${answers.from}`)),
      row("places.cloud", chosen()),
      row("places.work", answers.work)),
    field("machine", answers.machine, t("setup.machine"), t("setup.machine.hint"), (event) => { answers.machine = event.target.value; }),
  ];
}

async function next(go, _, again) {
  const missing = {
    course: () => (answers.from === null ? "setup.wrong.course" : answers.from === "file" && !answers.course.trim() ? "setup.wrong.path" : null),
    share: () => (chosen() ? null : "setup.wrong.share"),
    work: () => (answers.work.trim() ? null : "setup.wrong.work"),
    start: () => null,
  }[STEPS[at]]();
  if (missing) {
    wrong = missing;
    again();
    return;
  }
  if (at < STEPS.length - 1) {
    go(at + 1);
    return;
  }
  started = false;
  const options = { share: chosen(), work: answers.work.trim() };
  if (answers.from === "file") options.course = answers.course.trim();
  if (answers.machine.trim()) options.machine = answers.machine.trim();
  // the address says it too: a workspace that is there must not take this view away before the course is started
  location.hash = "#/setup";
  operation = await begin(null, "setup", options);
  again();
}
