// Makes and updates what is on the page. Names from elsewhere are hostile: text becomes text nodes and nothing else,
// and only the attributes named here can be set. `show` brings a new picture of a part into place by changing only what
// differs, so that focus, an open fold and what was typed stay where they are.

const ALLOWED = new Set([
  "id", "class", "type", "name", "value", "checked", "disabled", "href", "for", "role", "tabindex", "lang", "dir", "max",
  "rows", "cols", "readonly", "open", "hidden", "target", "rel", "autocomplete", "spellcheck", "required", "scope",
  "colspan", "aria-label", "aria-labelledby", "aria-describedby", "aria-live", "aria-current", "aria-expanded", "aria-busy",
  "aria-hidden", "aria-controls", "aria-valuetext", "aria-invalid", "aria-disabled", "data-key", "data-state", "data-side",
  "selected", "datetime", "viewBox", "d", "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "cx",
  "cy", "r", "focusable", "width", "height",
]);
const SVG = "http://www.w3.org/2000/svg";
const SHAPES = new Set(["svg", "path", "circle"]);
const handlers = new WeakMap();

/** An element: its attributes, what it does (`onclick` and the like are listeners, never attributes), what is in it. */
export function el(tag, attributes = {}, ...inside) {
  const node = SHAPES.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) listen(node, name.slice(2), value);
    else if (ALLOWED.has(name)) node.setAttribute(name, value === true ? "" : String(value));
    else throw new Error(`not an attribute of this page: ${name}`);
  }
  add(node, inside);
  return node;
}

function add(node, inside) {
  for (const one of inside) {
    if (Array.isArray(one)) add(node, one);
    else if (one instanceof Node) node.append(one);
    else if (one !== null && one !== undefined && one !== false) node.append(document.createTextNode(String(one)));
  }
}

// One listener for each kind of event of a node; what it does can be exchanged while the node stays.
function listen(node, kind, act) {
  const own = handlers.get(node) ?? new Map();
  if (!own.has(kind)) node.addEventListener(kind, (event) => own.get(kind)?.(event));
  own.set(kind, act);
  handlers.set(node, own);
}

/** Show this inside a place, and keep what is the same. */
export function show(place, ...inside) {
  const fresh = document.createElement("div");
  add(fresh, inside);
  children(place, fresh);
}

function children(old, fresh) {
  const keyed = new Map();
  for (const child of old.children) if (child.dataset?.key) keyed.set(child.dataset.key, child);
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const key = next.dataset?.key;
    const known = key ? keyed.get(key) : undefined;
    keyed.delete(key);
    if (known && known !== at && known.nodeName === next.nodeName) {
      old.insertBefore(known, at);
      at = known;
    }
    if (at && same(at, next)) {
      update(at, next);
      at = at.nextSibling;
    } else {
      old.insertBefore(next, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function same(old, next) {
  return old.nodeType === next.nodeType && old.nodeName === next.nodeName
    && (old.dataset?.key ?? "") === (next.dataset?.key ?? "");
}

function update(old, next) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  // what a person opened or folded away stays so
  const own = (name) => name === "open" && old.nodeName === "DETAILS";
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !own(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...next.attributes]) {
    if (old.getAttribute(name) !== value && !own(name)) old.setAttribute(name, value);
  }
  for (const kind of handlers.get(old)?.keys() ?? []) handlers.get(old).set(kind, handlers.get(next)?.get(kind));
  for (const [kind, act] of handlers.get(next) ?? []) listen(old, kind, act);
  children(old, next);
}

/** Say it to those who do not see it. The same words twice are said twice. */
export function speak(text) {
  const place = document.getElementById("spoken");
  place.textContent = place.textContent === text ? `${text}\u00a0` : text;
}

const PATHS = {
  "up-to-date": [["circle", { cx: 12, cy: 12, r: 10 }], ["path", { d: "M7.500 12.500l3 3 6-6.500" }]],
  working: [["path", { d: "M20.500 11a8.600 8.600 0 0 0-15.600-3.500" }], ["path", { d: "M4.500 3.500v4.500h4.500" }],
    ["path", { d: "M3.500 13a8.600 8.600 0 0 0 15.600 3.500" }], ["path", { d: "M19.500 20.500v-4.500h-4.500" }]],
  waiting: [["circle", { cx: 12, cy: 12, r: 10 }], ["path", { d: "M12 6.500v6l3.500 2.500" }]],
  "needs-you": [["path", { d: "M12 3l10 18H2z" }], ["path", { d: "M12 10v5" }], ["path", { d: "M12 17.900v.2" }]],
  stopped: [["path", { d: "M8 2.500h8l5.500 5.500v8l-5.500 5.500h-8l-5.500-5.500v-8z" }], ["path", { d: "M8.500 8.500l7 7m0-7l-7 7" }]],
};

/** A mark for a state: a shape of its own, so that colour is never needed. Words stand beside it. */
export function mark(state) {
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round" };
  const parts = (PATHS[state] ?? PATHS.waiting).map(([tag, attributes]) => el(tag, { ...line, ...attributes }));
  return el("svg", { class: "mark", viewBox: "0 0 24 24", width: 24, height: 24, "aria-hidden": "true", focusable: "false" }, parts);
}
