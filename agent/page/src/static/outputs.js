// What came out of a cell, as kitbag reduced it: texts, tables and pictures. A picture is unpacked and drawn on a canvas;
// the page itself loads none. What is anything else is said by a word.

import { el } from "./element.js";
import { shown, t } from "./words.js";

/** Widest and tallest a picture is drawn, in pixels. */
const LARGEST = 1_600;
/** What is drawn, by the key of its canvas. */
const pictures = new Map();
const drawn = new WeakMap();
const broken = new Set();

/** Draw what came out; `place` is a name for it that stays, `again` draws the view. */
export function outputs(all, place, again) {
  return all.map((one, at) => output(one, `${place} ${at}`, again));
}

function output(one, place, again) {
  if (one.kind === "text" || one.kind === "error") return text(one);
  if (one.kind === "table") return table(one);
  if (one.kind === "picture") return picture(one, place, again);
  const key = `shown.${one.kind}`;
  return el("p", { class: "quiet" }, t(["shown.undrawn", "shown.interactive"].includes(key) ? key : "shown.other"));
}

function text({ kind, text: said, cut }) {
  const failed = kind === "error";
  return [
    failed ? el("p", { class: "wrong" }, t("shown.error")) : null,
    el("pre", { tabindex: "0", role: "group", "aria-label": t(failed ? "shown.error" : "shown.text") },
      said.split("\n").map((line) => `${shown(line.replaceAll("\t", "    "))}\n`)),
    cut ? el("p", { class: "quiet" }, t("shown.cut")) : null,
  ];
}

function table({ rows, more, wider, note }) {
  const body = rows.findIndex((row) => !row.head);
  const heads = rows.slice(0, body < 0 ? rows.length : body);
  // a name that is empty names nothing
  const cell = (row, text_, at) => (text_ !== "" && (row.head || at < row.names)
    ? el("th", { scope: row.head ? "col" : "row" }, shown(text_)) : el("td", {}, shown(text_)));
  const line = (row) => el("tr", {}, row.cells.map((text_, at) => cell(row, text_, at)));
  return [
    el("div", { class: "sheet", tabindex: "0", role: "group", "aria-label": t("shown.table") },
      el("table", {},
        heads.length > 0 ? el("thead", {}, heads.map(line)) : null,
        body < 0 ? null : el("tbody", {}, rows.slice(body).map(line)))),
    more > 0 ? el("p", { class: "quiet" }, t("shown.rows", { count: more })) : null,
    wider ? el("p", { class: "quiet" }, t("shown.wider")) : null,
    note ? el("p", { class: "quiet" }, shown(note)) : null,
  ];
}

/** A picture of two kinds as a canvas; what cannot be unpacked is said. `name` is what somebody called it. */
export function picture(one, place, again, name = null) {
  if (broken.has(one.data)) return el("p", { class: "quiet" }, t("shown.undrawn"));
  const scale = Math.min(1, LARGEST / one.width, LARGEST / one.height);
  const [width, height] = [one.width, one.height].map((side) => Math.max(1, Math.round(side * scale)));
  pictures.set(place, { one, width, height, again });
  queueMicrotask(draw);
  const { width: wide, height: tall } = one;
  const label = name ? t("shown.picture.named", { name, wide, tall }) : t("shown.picture", { wide, tall });
  return el("canvas", { class: "picture", role: "img", "aria-label": label, width, height, "data-key": place });
}

/** Draw what stands on the page and is not drawn yet; forget what stands there no more. */
function draw() {
  const there = new Map([...document.querySelectorAll("canvas.picture")].map((canvas) => [canvas.dataset.key, canvas]));
  for (const [place, wanted] of pictures) {
    const canvas = there.get(place);
    if (!canvas) pictures.delete(place);
    else if (drawn.get(canvas) !== wanted.one.data) paint(canvas, wanted);
  }
}

async function paint(canvas, { one, width, height, again }) {
  drawn.set(canvas, one.data);
  try {
    const bytes = Uint8Array.from(atob(one.data), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: one.type }), { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
    if (drawn.get(canvas) === one.data) canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
  } catch {
    broken.add(one.data);
    again();
  }
}
