// What kitbag is doing for a person now, and how it came out. Progress is shown as it is told: a step that is over is
// ticked off, the bar of a step never goes back, and where nobody knows how much is left none is drawn.

import { change, Gone, LockedOut, Refused } from "./api.js";
import { findingParts, tell, tellFinding } from "./dialog.js";
import { el, speak } from "./element.js";
import { known, shown, t } from "./words.js";

const seen = new Map();
const dismissed = new Set();

/** Begin something. What kitbag refuses is told; gives its id, or null. */
export async function begin(workspace, verb, options = {}) {
  try {
    return (await change({ workspace, verb, options }, "operations")).id;
  } catch (error) {
    trouble(error);
    return null;
  }
}

/** Tell what went wrong with something a person asked for. */
export function trouble(error) {
  if (error instanceof Refused) tellFinding(error.finding);
  else if (error instanceof Gone) tell({ title: t("lost.title"), inside: el("p", {}, t("lost.means")) });
  else if (error instanceof LockedOut) window.dispatchEvent(new Event("kitbag-locked"));
  else throw error;
}

/** What is news in one view only once it has ended. All else is news where the day begins and ends. */
const NEWS_OF = { conflicts: ["resolve", "absent", "undo"], history: ["restore", "undo"], health: ["doctor-fix"], plugins: ["grant-revoke"] };

/** The operations of a workspace that are to be seen in a view: what goes on, and the last that ended. */
export function of(state, workspace, view) {
  const own = state.operations.filter((one) => one.workspace === workspace && !dismissed.has(one.id));
  const going = own.filter((one) => one.ended === null);
  const ended = own.filter((one) => one.ended !== null && isNews(one, view));
  return going.length > 0 ? going : ended.slice(-1);
}

function isNews(operation, view) {
  if (view !== "home") return NEWS_OF[view].includes(operation.verb);
  const failed = ![0, 3, 4].includes(operation.ended.exit) && !treated(operation);
  return failed || !Object.values(NEWS_OF).flat().includes(operation.verb);
}

/** Whether something goes on in a workspace. */
export function busy(state, workspace) {
  return state.operations.some((one) => one.workspace === workspace && one.ended === null);
}

/** What changes when something ends: whatever it did, what was read before may be another now. */
export function endings(state) {
  return state.operations.filter((one) => one.ended !== null).map((one) => one.id).join(" ");
}

/** How long news stay news, in milliseconds: "You can shut down now" of yesterday is none. */
const NEWS = 600_000;

/** Take in what is told of an operation. What is worth it is said aloud; `late` are those that ended before. */
export function hear(operation, late) {
  if (late && Date.now() - new Date(operation.started).getTime() > NEWS) dismissed.add(operation.id);
  const memory = seen.get(operation.id) ?? { steps: [], said: -1, over: false };
  seen.set(operation.id, memory);
  if (operation.progress) step(memory, operation.progress);
  if (operation.ended !== null && !memory.over) {
    memory.over = true;
    if (!late) speak(headline(operation));
  }
}

// "Download X: 40 %" is a step with a bar.
function parts({ what, done, total }) {
  const percent = total === 0 ? /^(.*?):? (\d{1,3}) ?%$/.exec(what) : null;
  return percent ? { what: percent[1], done: Math.min(Number(percent[2]), 100), total: 100, percent: true } : { what, done, total };
}

function step(memory, progress) {
  const now = parts(progress);
  let last = memory.steps.at(-1);
  if (last?.what !== now.what) {
    // a step without a measure leaves nothing to tick off
    if (last && last.total === 0) memory.steps.pop();
    last = memory.steps.find((one) => one.what === now.what);
    if (last) memory.steps.splice(memory.steps.indexOf(last), 1);
    last = { ...now, share: 0, ...(last ?? {}) };
    memory.steps.push(last);
    memory.said = -1;
  }
  Object.assign(last, { done: now.done, total: now.total });
  if (now.total > 0) last.share = Math.max(last.share, Math.min(now.done / now.total, 1));
  const quarter = Math.floor(last.share * 4);
  if (quarter > memory.said) {
    memory.said = quarter;
    speak(line(last));
  }
}

function line(one) {
  const what = one.what;
  if (one.percent) return t("operation.percent", { what, done: Math.round(one.share * 100) });
  return one.total > 0 ? t("operation.counted", { what, done: one.done, total: one.total }) : t("operation.step", { what });
}

/** What a person reads first of it. */
function headline(operation) {
  const { verb, ended } = operation;
  if (ended === null) return t(key("going.", verb));
  if (ended.exit === 0) {
    const waits = verb === "done" && (ended.document?.waiting?.length ?? 0) > 0;
    return waits ? t("ended.done.waits") : t(key("ended.", verb));
  }
  if (taken(operation)) return t(ended.exit === 3 ? "ended.resolve.more" : held(operation).length > 0 ? "ended.resolve.open" : "ended.resolve");
  if (ended.exit === 3) return t("ended.conflicts");
  if (ended.exit === 4 && verb === "done") return t("ended.done.waits");
  if (ended.exit === 4) return t(awaited(operation).length === 0 && held(operation).length > 0 ? "ended.waits.open" : "ended.waits");
  if (treated(operation)) return t(mended(operation).length > 0 ? "ended.doctor-fix.some" : "ended.doctor-fix.none");
  return t("ended.failed");
}

/** Whether it took an answer in: that other questions are open, or something waits, is no news of it. */
function taken({ verb, ended }) {
  return verb === "resolve" && [0, 3, 4].includes(ended.exit) && Boolean(ended.document?.answered);
}

/** The sync it was, or ended with. */
function carried({ ended }) {
  return ended.document?.sync ?? ended.document ?? {};
}

/** The notebooks whose newer version waits because they are open here. */
function held(operation) {
  return carried(operation).pending_notebooks ?? [];
}

/** What the cloud folder has not brought. */
function awaited(operation) {
  return carried(operation).waiting_for ?? [];
}

/** Whether it mended what it could: what it could not mend is no failure of it, and stands in the view. */
function treated({ verb, ended }) {
  return verb === "doctor-fix" && !ended.finding && Array.isArray(ended.document?.checks);
}

/** What was mended, in words. */
function mended({ verb, ended }) {
  if (verb !== "doctor-fix") return [];
  const found = (ended.document?.checks ?? []).flatMap(({ findings }) => findings);
  return found.filter(({ treatment }) => treatment?.done).map(({ treatment }) => t("health.mended", { does: treatment.does }));
}

function key(kind, verb) {
  return known(kind + verb) ? kind + verb : `${kind}other`;
}

/** Draw one; `heading` fits what stands above it, `next` is a button for what a person does next. */
export function panel(operation, again, heading = "h2", next = null) {
  return operation.ended === null ? going(operation, heading) : over(operation, again, heading, next);
}

function going(operation, heading) {
  const { steps } = seen.get(operation.id) ?? { steps: [] };
  const name = `operation-${operation.id}`;
  return el("section", { class: "operation", "data-key": name, "aria-labelledby": name },
    el(heading, { id: name }, headline(operation)),
    el("ul", { class: "steps" }, steps.map((one, at) => (at < steps.length - 1 ? ticked(one) : current(one)))),
    operation.question ? el("p", {}, t("operation.asks")) : null,
    el("div", { class: "buttons" },
      el("button", { type: "button", onclick: () => stop(operation) }, t("operation.cancel"))),
    said(operation));
}

function ticked(one) {
  return el("li", { "data-key": one.what }, t("operation.ticked", { what: one.what }));
}

function current(one) {
  const bar = one.total > 0
    ? el("progress", { max: 1000, value: Math.round(one.share * 1000), "aria-label": shown(one.what) })
    : el("progress", { "aria-label": shown(one.what) });
  return el("li", { "data-key": one.what }, el("span", {}, line(one)), bar);
}

async function stop(operation) {
  try {
    await change({}, "operations", operation.id, "cancel");
  } catch (error) {
    trouble(error);
  }
}

function over(operation, again, heading, next) {
  const { ended, verb } = operation;
  const name = `operation-${operation.id}`;
  const good = ended.exit === 0 || taken(operation);
  const sheet = ended.document ?? {};
  const safe = verb === "done" && good && (sheet.waiting?.length ?? 0) === 0;
  return el("section", { class: "operation", "data-state": good ? "good" : "bad", "data-key": name, "aria-labelledby": name },
    el(heading, { id: name, class: safe ? "safe" : "" }, headline(operation)),
    safe ? el("p", {}, t("ended.done.cloud")) : null,
    list(sheet.waiting),
    ended.exit === 4 && verb === "done" ? el("p", {}, t("ended.done.wait")) : null,
    list(sheet.notes),
    list(mended(operation)),
    list(sheet.restored?.left),
    list((sheet.sync?.problems ?? sheet.problems)?.map(({ path, reason }) => t("ended.problem", { path, reason }))),
    list(held(operation).map(({ path }) => t("notebook.waits", { path }))),
    list(sheet.answered?.beside?.map((path) => t("ended.beside", { path }))),
    ended.finding ? findingParts(ended.finding) : null,
    !ended.finding && ![0, 3, 4].includes(ended.exit) && !treated(operation) ? el("p", {}, t("ended.unknown")) : null,
    el("div", { class: "buttons" },
      next,
      ended.exit === 3 && !taken(operation) ? el("a", { class: "button", href: "#/conflicts" }, t("ended.answer")) : null,
      el("button", { type: "button", onclick: () => { dismissed.add(operation.id); again(); } }, t("operation.dismiss"))),
    said(operation));
}

function list(all) {
  return all?.length ? el("ul", {}, all.map((one) => el("li", {}, shown(one)))) : null;
}

function said({ lines }) {
  if (!lines?.length) return null;
  return el("details", { "data-key": "said" }, el("summary", {}, t("operation.said")),
    el("pre", { tabindex: "0" }, lines.map((one) => `${shown(one)}\n`)));
}
