// What could be wrong around the work and with this computer, what can be mended by a button, and a text for a tutor.

import { read } from "./api.js";
import { el, mark, speak } from "./element.js";
import { begin, busy, endings, of, panel, trouble } from "./operation.js";
import { choose, instead, meant, Sheet } from "./workspaces.js";
import { lines } from "./dialog.js";
import { shown, size, t, word } from "./words.js";

const checks = new Sheet();
const machine = new Sheet();
let looked = 0;
let last = null;
let text = null;
let copied = false;

/** Draw it. */
export function health({ state, about, again }) {
  const ws = meant(state, about);
  if (last !== ws?.workspace) {
    last = ws?.workspace;
    checks.forget();
  }
  const look = () => {
    looked += 1;
    again();
  };
  const ended = endings(state);
  const here = machine.get(`${looked} ${ended}`, () => read("machine"), again);
  const sheet = ws ? checks.get(`${ws.workspace} ${looked} ${ended}`, () => read("workspaces", ws.workspace, "doctor"), again) : null;
  const both = split(sheet, here);
  return [
    el("h1", { tabindex: "-1" }, t("health.title")),
    ws ? choose(state, "health", ws) : null,
    ws ? of(state, ws.workspace, "health").map((operation) => panel(operation, again)) : null,
    ws ? work(ws, state, sheet, both) : null,
    el("section", { class: "card", "data-key": "machine", "aria-labelledby": "machine" },
      el("h2", { id: "machine" }, t("health.machine")),
      instead(here) ?? [facts(here.specs), both.machine.length > 0 ? results(both.machine, () => null) : null]),
    el("p", {}, el("button", { type: "button", onclick: look }, t("health.again"))),
    tutor(again),
  ];
}

/** What is said of the work, and what of the computer: with a course the computer is looked at with an eye to it. */
function split(sheet, here) {
  const first = here?.checks ?? [];
  if (!sheet?.checks) return { work: [], machine: first };
  const names = new Set(first.map(({ check }) => check));
  return { work: sheet.checks.filter(({ check }) => !names.has(check)), machine: sheet.checks.filter(({ check }) => names.has(check)) };
}

function work(ws, state, sheet, both) {
  const treatable = (sheet?.checks ?? []).flatMap((check) => check.findings).filter((one) => one.treatment && !one.treatment.done);
  // all that can be mended is mended by one press: a single thing where it is told, several below them
  const mend = (text) => el("div", { class: "buttons" }, el("button", {
    type: "button", class: "first", disabled: busy(state, ws.workspace), onclick: () => begin(ws.workspace, "doctor-fix"),
  }, text));
  const single = treatable.length === 1 ? () => mend(t("health.fix")) : () => null;
  return el("section", { class: "card", "data-key": "work", "aria-labelledby": "work" },
    el("h2", { id: "work" }, t("health.work")),
    instead(sheet) ?? results(both.work, single),
    treatable.length > 1 ? mend(t("health.fix-all", { count: treatable.length })) : null);
}

/** What this computer is made of, where kitbag tells it. */
function facts(specs) {
  if (!specs) return null;
  const row = (key, text) => [el("dt", {}, t(key)), el("dd", {}, text)];
  return el("dl", {},
    row("machine.memory", size(specs.memory)),
    row("machine.cores", specs.cores.toLocaleString("en")),
    row("machine.disk", size(specs.disk_free)),
    row("machine.system", shown(specs.os_version || specs.os)));
}

const MARKS = { good: "up-to-date", note: "waiting", "not-checked": "stopped", bad: "needs-you" };

function results(all, mend) {
  const good = all.filter((check) => check.state === "good");
  const unasked = all.filter((check) => check.state === "not-asked");
  const telling = all.filter((check) => !good.includes(check) && !unasked.includes(check));
  return [
    telling.length === 0 ? el("p", {}, t("health.good")) : null,
    telling.map((check) => el("div", { class: "check", "data-state": check.state, "data-key": check.check },
      mark(MARKS[check.state]),
      el("div", {},
        el("h3", {}, t("health.check", { check: check.check, state: word("check.", check.state) })),
        check.findings.map((one) => finding(one, mend))))),
    good.length > 0
      ? el("details", { "data-key": "good" }, el("summary", {}, t("health.passed", { count: good.length })),
        el("ul", {}, good.map((check) => el("li", {}, check.seen
          ? t("health.seen", { check: check.check, seen: check.seen })
          : shown(check.check)))))
      : null,
    unasked.length > 0
      ? el("details", { "data-key": "unasked" }, el("summary", {}, t("health.unasked", { count: unasked.length })),
        unasked.flatMap(({ findings }) => findings).map((one) => finding(one, mend)))
      : null,
  ];
}

function finding(one, mend) {
  const { treatment } = one;
  return el("div", { class: "finding" },
    el("p", { class: "what" }, shown(one.what)),
    lines(one.why).map((line) => el("p", {}, line)),
    treatment?.failed ? el("p", {}, t("health.not-mended", { why: treatment.failed })) : null,
    treatment ? el("p", {}, t(treatment.done ? "health.mended" : "health.can", { does: treatment.does })) : null,
    treatment && !treatment.done ? mend() : null,
    !treatment && one.remedy ? el("p", {}, el("strong", {}, t("finding.todo")), " ", shown(one.remedy)) : null);
}

function tutor(again) {
  const get = async () => {
    try {
      ({ text } = await read("report"));
      copied = await copy(text);
      speak(t(copied ? "tutor.copied" : "tutor.select"));
      again();
    } catch (error) {
      trouble(error);
    }
  };
  return el("section", { class: "card", "data-key": "tutor", "aria-labelledby": "tutor" },
    el("h2", { id: "tutor" }, t("tutor.title")),
    el("p", {}, t("tutor.means")),
    el("div", { class: "buttons" }, el("button", { type: "button", onclick: get }, t("tutor.copy"))),
    text === null ? null : [
      el("p", {}, t(copied ? "tutor.copied" : "tutor.select")),
      el("pre", { class: "whole", tabindex: "0", role: "group", "aria-label": t("tutor.label") }, text.split("\n").map((line) => `${shown(line)}\n`)),
    ]);
}

async function copy(what) {
  try {
    await navigator.clipboard.writeText(what);
    return true;
  } catch {
    return false;
  }
}
