// Where a day begins and ends: for each workspace how things stand in five words, what that means and what to do, what
// runs, and who else has it open.

import { readWith } from "./api.js";
import { ask, findingParts, tell } from "./dialog.js";
import { el, mark } from "./element.js";
import { begin, busy, of, panel, trouble } from "./operation.js";
import { moment, shown, size, t, word } from "./words.js";

/** Draw it. */
export function home({ state, again }) {
  return [
    el("h1", { tabindex: "-1", class: state.workspaces.length === 1 ? "unseen" : "" }, t("home.title")),
    state.workspaces.map((ws) => card(ws, state, again)),
    el("p", { class: "quiet" }, el("a", { href: "#/setup" }, t("home.another"))),
  ];
}

function card(ws, state, again) {
  const name = `workspace-${ws.workspace}`;
  if (ws.finding) return broken(ws, name);
  return el("article", { class: "card", "data-key": name, "aria-label": shown(ws.workspace) },
    el("div", { class: "head" }, el("h2", { class: "name" }, shown(ws.workspace)), el("p", { class: "quiet" }, doing(ws))),
    standing(ws),
    of(state, ws.workspace, "home").map((operation) => panel(operation, again, "h3", next(ws, operation))),
    buttons(ws, busy(state, ws.workspace)),
    services(ws),
    waited(ws),
    notebooks(ws),
    notes(ws),
    computers(ws),
    places(ws));
}

/** One that cannot be read: what is wrong with it and what to do. */
function broken(ws, name) {
  return el("article", { class: "card", "data-key": name, "aria-label": shown(ws.workspace) },
    el("h2", { class: "name" }, shown(ws.workspace)),
    el("div", { class: "standing", "data-state": ws.state },
      mark(ws.state),
      el("div", {}, el("p", { class: "state" }, word("state.", ws.state)), findingParts(ws.finding))));
}

/** What kitbag does by itself now. It stands beside the name, where coming and going moves nothing. */
function doing({ activity }) {
  if (!activity) return "";
  if (activity.doing !== "nothing") return word("activity.", activity.doing);
  return activity.watching === false ? t("activity.unwatched") : "";
}

/** The state, one sentence what it means, one what to do. */
function standing(ws) {
  const error = ws.activity?.last_error;
  return el("div", { class: "standing", "data-state": ws.state },
    mark(ws.state),
    el("div", {},
      el("p", { class: "state" }, word("state.", ws.state)),
      el("p", {}, meaning(ws)),
      el("p", { class: "todo" }, todo(ws)),
      ws.state === "needs-you"
        ? el("p", {}, el("a", { class: "button first", href: `#/conflicts/${encodeURIComponent(ws.workspace)}` }, t("home.answer")))
        : null,
      error ? el("div", { class: "finding" }, el("p", {}, t("home.trouble")), findingParts(error)) : null));
}

function meaning(ws) {
  if (ws.state === "working" && ws.pending > 0) return t("meaning.working.files", { count: ws.pending });
  if (ws.state === "waiting") return t("meaning.waiting", { count: ws.missing });
  if (ws.state === "needs-you") {
    if (ws.conflicts.length === 0) return t("meaning.held", { count: ws.held });
    const folders = ws.conflicts.every(({ kind }) => kind === "unit");
    return t(folders ? "meaning.units" : "meaning.conflicts", { count: ws.conflicts.length });
  }
  if (ws.state === "stopped" && !ws.share.reachable) return t("meaning.stopped.cloud", { path: ws.share.path });
  if (ws.state === "stopped") return t("meaning.stopped.work", { path: ws.work });
  return word("meaning.", ws.state, { count: ws.files });
}

function todo(ws) {
  const open = own(ws)?.session_open;
  if (ws.state === "up-to-date") return open ? t("todo.open", { time: moment(open) }) : t("todo.up-to-date");
  if (ws.state === "stopped" && !ws.share.reachable) {
    return ws.share.provider ? t("todo.stopped.provider", { provider: ws.share.provider }) : t("todo.stopped.cloud");
  }
  if (ws.state === "stopped") return t("todo.stopped.work");
  if (ws.state === "waiting" && ws.share.provider) return t("todo.waiting.provider", { provider: ws.share.provider });
  return word("todo.", ws.state);
}

function own(ws) {
  return ws.machines.find((machine) => machine.this);
}

/** Whether the course is open here. */
function isOpen(ws) {
  return Boolean(own(ws)?.session_open) || runs(ws);
}

function runs(ws) {
  return ["running", "starting", "unhealthy"].includes(ws.environment.state);
}

function buttons(ws, occupied) {
  const name = ws.workspace;
  const act = (key, first, onclick) =>
    el("button", { type: "button", class: first ? "first" : "", disabled: occupied, "data-key": key, onclick }, t(key));
  const opened = isOpen(ws);
  return el("div", { class: "buttons main", role: "group", "aria-label": t("home.buttons") },
    opened ? act("home.done", true, () => begin(name, "done")) : act("home.start", true, () => start(ws)),
    // after a shutdown without a word the course counts as open, and nothing runs
    opened && !runs(ws) ? act("home.start", false, () => start(ws)) : null,
    act("home.sync", false, () => begin(name, "sync")),
    act("home.afresh", false, () => afresh(ws)));
}

async function start(ws) {
  const other = ws.machines.find((machine) => !machine.this && machine.session_open);
  if (other) {
    const yes = await ask({
      title: t("presence.title", { machine: other.name, time: moment(other.session_open) }),
      inside: [el("p", {}, t("presence.means")), el("p", {}, t("presence.better", { machine: other.name }))],
      yes: t("presence.take"),
      no: t("dialog.not-now"),
    });
    if (!yes) return;
  }
  begin(ws.workspace, "up");
}

async function afresh(ws) {
  const yes = await ask({
    title: t("afresh.title"),
    inside: [el("p", {}, t("afresh.keeps")), el("p", {}, t("afresh.goes"))],
    yes: t("home.afresh"),
    no: t("dialog.not-now"),
  });
  if (yes) begin(ws.workspace, "reset");
}

function services(ws) {
  const all = ws.environment.services;
  if (all.length === 0) return null;
  return fold("home.running", isOpen(ws),
    el("ul", { class: "rows" }, all.map((service) => el("li", { "data-key": service.name },
      el("span", { class: "grow" }, el("strong", {}, shown(called(service))), " ", word("service.", service.state),
        service.note ? el("span", { class: "quiet" }, " ", shown(service.note)) : null),
      hasPage(service)
        ? el("button", { type: "button", onclick: () => openService(ws.workspace, service) },
          t("home.open", { service: called(service) }))
        : null))));
}

/** What a person does when the course is there: opens it. */
function next(ws, { verb, ended }) {
  const first = ws.environment.services.find(hasPage);
  if (!["up", "reset"].includes(verb) || ![0, 3, 4].includes(ended?.exit) || !first) return null;
  return el("button", { type: "button", class: "first", "data-key": "open", onclick: () => openService(ws.workspace, first) },
    t("home.open", { service: called(first) }));
}

/** Whether it can be opened in a browser. */
function hasPage(service) {
  return /^https?:/.test(service.url ?? "");
}

/** What people call it. */
function called(service) {
  return service.title || service.name;
}

/** Open a service logged in. The window is made at once: a browser stops one that comes later. */
async function openService(workspace, which) {
  const service = called(which);
  const window_ = window.open("", "_blank");
  if (window_) window_.opener = null;
  try {
    const { url } = await readWith({ service: which.name }, "workspaces", workspace, "open");
    if (!["http:", "https:"].includes(new URL(url).protocol)) throw new TypeError(url);
    if (window_) window_.location.replace(url);
    else {
      tell({
        title: t("open.title", { service }),
        inside: el("p", {}, el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, t("home.open", { service }))),
      });
    }
  } catch (error) {
    window_?.close();
    if (error instanceof TypeError) tell({ title: t("open.title", { service }), inside: el("p", {}, t("open.nowhere")) });
    else trouble(error);
  }
}

function waited(ws) {
  const all = ws.waiting_for ?? [];
  if (all.length === 0) return null;
  return fold("home.waited", true,
    el("ul", {}, all.map(({ path, what }) => el("li", {}, path === null ? shown(what) : t("waited.file", { path, what })))),
    el("p", {}, ws.share.provider ? t("waited.provider", { provider: ws.share.provider }) : t("waited.todo")));
}

function notebooks(ws) {
  const all = ws.pending_notebooks ?? [];
  if (all.length === 0) return null;
  return fold("home.notebooks", true,
    el("ul", {}, all.map((one) => el("li", {}, newer(one, ws)))));
}

function newer({ path, machine }, ws) {
  if (machine === null) return t("notebook.cloud", { path });
  // put together or answered here
  return machine === ws.machine ? t("notebook.waits", { path }) : t("notebook.machine", { path, machine });
}

/** Cells that were kept: no answer is needed, so they are told here and in no count of questions. */
function notes(ws) {
  const all = ws.notes ?? [];
  if (all.length === 0) return null;
  return fold("home.notes", true,
    el("ul", {}, all.map(({ path, cells }) => el("li", {}, t("note.kept", { path, count: cells })))),
    el("p", {}, el("a", { href: `#/conflicts/${encodeURIComponent(ws.workspace)}` }, t("note.look"))));
}

function computers(ws) {
  return fold("home.computers", ws.machines.some((machine) => !machine.this),
    el("ul", { class: "rows" }, ws.machines.map((machine) => el("li", { "data-key": `${machine.name}-${machine.this}` },
      el("strong", {}, shown(machine.name)), " ",
      el("span", {}, t(latest(machine)), " ",
        machine.session_open ? t("computer.open", { time: moment(machine.session_open) }) : seenAt(machine))))));
}

function latest(machine) {
  if (machine.this) return "computer.this";
  if (machine.has_my_latest === null) return "computer.unknown";
  return machine.has_my_latest ? "computer.latest" : "computer.behind";
}

function seenAt(machine) {
  return machine.this || !machine.last_seen ? "" : t("computer.seen", { time: moment(machine.last_seen) });
}

function places(ws) {
  const row = (key, text) => [el("dt", {}, t(key)), el("dd", {}, text)];
  return fold("home.places", false,
    el("dl", {},
      row("places.work", shown(ws.work)),
      row("places.cloud", ws.share.provider ? t("places.of", { path: ws.share.path, provider: ws.share.provider }) : shown(ws.share.path)),
      row("places.files", ws.files.toLocaleString("en")),
      row("places.history", size(ws.history_bytes)),
      row("places.saved", ws.last_checkpoint ? moment(ws.last_checkpoint) : t("places.never"))));
}

/** A part that can be folded away. When the reason to have it open comes or goes, it is another one, and opens or closes. */
function fold(key, open, ...inside) {
  return el("details", { open, "data-key": `${key} ${open}` }, el("summary", {}, el("h3", {}, t(key))), inside);
}
