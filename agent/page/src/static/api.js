// Talks to kitbag on this computer and to nobody else. The token in the address is taken out of it at once and swapped
// for a key that lives as long as this tab. What changes is read as a stream; when it breaks off, it is tried again, first
// soon, then less often, and the page says honestly that kitbag is not there.

const KEY = "kitbag-key";
const FIRST = 500;
const LONGEST = 15_000;
/** Two pings and a half: after that the stream is dead, whatever the connection says. */
const SILENCE = 40_000;

/** What kitbag refuses: what, why and what to do. */
export class Refused extends Error {
  constructor(finding, status) {
    super(finding.what);
    this.finding = finding;
    this.status = status;
  }
}

/** kitbag is not there. */
export class Gone extends Error {}

/** Nobody has let this tab in. */
export class LockedOut extends Error {}

/** How often something is asked for anew that broke off on its way, and how long is waited before, in milliseconds. */
const AGAIN = [100, 300, 900];

/** Ask for something until it comes, at most four times. */
export async function again(ask) {
  for (const wait of AGAIN) {
    try {
      return await ask();
    } catch (error) {
      // what was answered was answered; `TypeError` is what a browser says of a connection that broke off
      if (!(error instanceof Gone || error instanceof TypeError)) throw error;
    }
    await new Promise((done) => setTimeout(done, wait));
  }
  return ask();
}

/** Take the token out of the address and swap it. Gives whether this tab has a key. */
export async function letIn() {
  const token = /^#([A-Za-z0-9_-]{32,200})$/.exec(location.hash)?.[1];
  if (token) {
    history.replaceState(null, "", "/");
    try {
      const said = await again(() => plain("POST", "/api/session", { token }, null));
      sessionStorage.setItem(KEY, said.key);
    } catch (error) {
      // an old link, opened where somebody is in already, changes nothing
      if (!(error instanceof LockedOut || error instanceof Refused)) throw error;
    }
  }
  return sessionStorage.getItem(KEY) !== null;
}

/** Read something. Each part of the path is written so that it stays one part. */
export function read(...parts) {
  return again(() => ask("GET", at(parts)));
}

/** Read with a question behind the path. */
export function readWith(query, ...parts) {
  return again(() => ask("GET", `${at(parts)}?${new URLSearchParams(query)}`));
}

/** Change something: asked once, since nobody knows whether what broke off was begun. */
export function change(body, ...parts) {
  return ask("POST", at(parts), body);
}

function at(parts) {
  return `/api/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
}

async function ask(method, path, body) {
  const key = sessionStorage.getItem(KEY);
  if (key === null) throw new LockedOut();
  return plain(method, path, body, key);
}

async function plain(method, path, body, key) {
  const headers = key === null ? {} : { "X-Kitbag-Key": key };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  let text;
  try {
    answer = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store", credentials: "omit", redirect: "error",
    });
    text = await answer.text();
  } catch {
    throw new Gone();
  }
  if (answer.status === 401) {
    if (key !== null) sessionStorage.removeItem(KEY);
    throw new LockedOut();
  }
  const said = parsed(text);
  if (answer.ok && said !== null) return said;
  const finding = said?.error ?? { what: `${answer.status}`, why: "", remedy: "" };
  throw new Refused(finding, answer.status);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Follow what happens for as long as the page is open. `hear` gets every event, `link` whether kitbag is there. */
export async function follow(hear, link) {
  let wait = FIRST;
  let now = () => {};
  const soon = () => {
    if (document.visibilityState === "visible") now();
  };
  document.addEventListener("visibilitychange", soon);
  window.addEventListener("kitbag-try", soon);
  for (;;) {
    try {
      await stream(hear, () => {
        wait = FIRST;
        link(true);
      });
    } catch (error) {
      if (error instanceof LockedOut) throw error;
    }
    link(false);
    await new Promise((done) => {
      now = done;
      setTimeout(done, wait);
    });
    wait = Math.min(wait * 2, LONGEST);
  }
}

async function stream(hear, begun) {
  const key = sessionStorage.getItem(KEY);
  if (key === null) throw new LockedOut();
  const ender = new AbortController();
  let dog = setTimeout(() => ender.abort(), SILENCE);
  try {
    const answer = await fetch("/api/events", {
      headers: { "X-Kitbag-Key": key }, cache: "no-store", credentials: "omit", redirect: "error", signal: ender.signal,
    });
    if (answer.status === 401) {
      sessionStorage.removeItem(KEY);
      throw new LockedOut();
    }
    if (!answer.ok) return;
    begun();
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(dog);
      dog = setTimeout(() => ender.abort(), SILENCE);
      text += decoder.decode(value, { stream: true }).replaceAll("\r", "");
      const events = text.split("\n\n");
      text = events.pop();
      events.forEach((event) => one(event, hear));
    }
  } finally {
    clearTimeout(dog);
    ender.abort();
  }
}

function one(event, hear) {
  let name = "message";
  const data = [];
  for (const line of event.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  if (data.length > 0 && name !== "ping") hear(name, JSON.parse(data.join("\n")));
}
