// The page: lets the person in, follows what happens, and draws the view the address names. There is one state, the one
// kitbag sent last; each view is a function of it.

import { follow, Gone, letIn, LockedOut } from "./api.js";
import { conflicts } from "./conflicts.js";
import { el, show, speak } from "./element.js";
import { health } from "./health.js";
import { timeline } from "./history.js";
import { home } from "./home.js";
import { hear } from "./operation.js";
import { permissions } from "./plugins.js";
import { questions } from "./question.js";
import { wizard } from "./wizard.js";
import { moment, readTexts, t, word } from "./words.js";

// for begin.js: all parts are here
document.documentElement.dataset.begun = "";

const VIEWS = { home, conflicts, history: timeline, health, plugins: permissions, setup: wizard };
const main = document.getElementById("main");
let state = null;
let there = true;
let locked = false;
let heard = null;
let drawn = null;
let texts = null;
let said = new Map();

function route() {
  const [view = "home", about = null, more = null] = location.hash.replace(/^#\/?/, "").split("/").map(part);
  return { view: Object.hasOwn(VIEWS, view) ? view : "home", about: about || null, more: more || null };
}

function part(text) {
  try {
    return decodeURIComponent(text) || undefined;
  } catch {
    return undefined;
  }
}

function draw() {
  banner();
  if (locked) {
    show(document.getElementById("nav"));
    show(main, el("h1", { tabindex: "-1" }, t("locked.title")), el("p", {}, t("locked.means")), el("p", {}, t("locked.todo")));
    document.title = t("page.title", { view: t("locked.title") });
    return;
  }
  if (state === null) {
    show(main, el("p", { class: "quiet", "aria-busy": "true" }, t("sheet.reading")));
    return;
  }
  const asked = route();
  const view = state.workspaces.length === 0 && asked.view === "home" ? "setup" : asked.view;
  navigation(view);
  show(main, VIEWS[view]({ state, about: asked.about, more: asked.more, again: draw }));
  main.classList.toggle("gone", !there);
  main.setAttribute("aria-busy", "false");
  foot();
  const place = `${view} ${asked.about} ${asked.more}`;
  if (drawn !== place) {
    document.title = t("page.title", { view: t(`nav.${view}`) });
    // who came by a link is taken to the heading; who just opened the page is left at its top
    if (drawn !== null) main.querySelector("h1")?.focus();
    drawn = place;
  }
}

function navigation(view) {
  const open = state.workspaces.reduce((sum, ws) => sum + ws.conflicts.length + (ws.held > 0 ? 1 : 0), 0);
  const link = (name) => el("li", { "data-key": name }, el("a", { href: `#/${name}`, "aria-current": view === name ? "page" : null },
    name === "conflicts" && open > 0 ? t("nav.conflicts.open", { count: open }) : t(`nav.${name}`)));
  const names = state.workspaces.length === 0 ? ["setup", "health", "plugins"] : ["home", "conflicts", "history", "health", "plugins"];
  show(document.getElementById("nav"), el("ul", {}, names.map(link)));
}

function banner() {
  const place = document.getElementById("banner");
  const renewed = texts !== null && state !== null && state.texts_version !== texts;
  const retry = () => window.dispatchEvent(new Event("kitbag-try"));
  show(place,
    there || locked ? null : el("div", { class: "banner", role: "alert", "data-key": "gone" },
      el("p", {}, el("strong", {}, t("away.kitbag"))),
      el("p", {}, heard === null ? t("away.never") : t("away.since", { time: moment(heard) })),
      el("p", {}, t("away.todo"), " ", el("code", {}, "kitbag page")),
      el("button", { type: "button", onclick: retry }, t("away.again"))),
    renewed ? el("div", { class: "banner", role: "alert", "data-key": "new" },
      el("p", {}, t("renewed.means")), el("button", { type: "button", onclick: () => location.reload() }, t("renewed.load"))) : null);
}

function foot() {
  show(document.getElementById("foot"), el("p", {}, t("foot.version", { version: state.version, machine: state.machine })));
}

function take(name, data) {
  heard = Date.now();
  link(true);
  if (name === "state") {
    const first = state === null;
    state = data;
    texts ??= data.texts_version;
    data.operations.forEach((operation) => hear(operation, first && operation.ended !== null));
    tellStates(first);
  } else if (name === "operation" && state !== null) {
    const known = state.operations.findIndex((one) => one.id === data.id);
    if (known < 0) state.operations.push(data);
    else state.operations[known] = data;
    hear(data, false);
  }
  if (state !== null) questions(state.operations);
  draw();
}

/** A workspace whose state is another one is said aloud. */
function tellStates(first) {
  const now = new Map(state.workspaces.map((ws) => [ws.workspace, ws.state]));
  for (const [name, state_] of now) {
    if (!first && said.get(name) !== state_) speak(t("spoken.state", { workspace: name, state: word("state.", state_) }));
  }
  said = now;
}

/** A stream that breaks off is nothing yet: it is there again in a moment, unless kitbag is not. */
const MOMENT = 2_000;
let missing = null;

function link(is) {
  clearTimeout(missing);
  if (!is && there) missing = setTimeout(() => found(false), MOMENT);
  else if (is) found(true);
}

function found(is) {
  if (there === is) return;
  there = is;
  // what is grey and what is not is seen; this is for who does not see it
  if (is) speak(t("away.back"));
  document.body.classList.toggle("away", !is);
  draw();
}

function lockOut() {
  locked = true;
  draw();
}

function still() {
  document.querySelectorAll("[data-text]").forEach((node) => { node.textContent = t(node.dataset.text); });
  document.querySelectorAll("[data-label]").forEach((node) => { node.setAttribute("aria-label", t(node.dataset.label)); });
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    (main.querySelector("h1") ?? main).focus();
  });
}

async function run() {
  // the token leaves the address before anything else is waited for
  const entering = letIn();
  entering.catch(() => {});
  await readTexts();
  still();
  draw();
  window.addEventListener("hashchange", async () => {
    if (/^#[A-Za-z0-9_-]{32,}$/.test(location.hash)) location.reload();
    else draw();
  });
  window.addEventListener("kitbag-locked", lockOut);
  try {
    if (!await entering) lockOut();
    else await follow(take, link);
  } catch (error) {
    if (error instanceof LockedOut) lockOut();
    else if (error instanceof Gone) found(false);
    else throw error;
  }
}

run();
