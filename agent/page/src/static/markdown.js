// Markdown as a person would read it, out of a text nobody can be sure of: headings, lists, emphasis, code, tables. It
// makes elements whose texts are texts; markup in it is shown as it is written, a link is its words and its address, and
// no address is ever followed or loaded. Everything ends: so many blocks, so deep, so many pieces of a line.

import { el } from "./element.js";
import { code } from "./diff.js";
import { shown, t } from "./words.js";

/** Most blocks of one text. */
const BLOCKS = 400;
/** How deep lists and quotes stand in each other. */
const DEEPEST = 5;
/** Most pieces of one text that are drawn in another way than the rest. */
const PIECES = 2_000;
/** How far the other end of a mark may be, in characters. */
const FAR = 1_000;
/** Most columns of a table. */
const COLUMNS = 30;

/** The elements of a text. `picture` draws an attached picture by its name, or gives null. */
export function markdown(text, picture) {
  const budget = { blocks: BLOCKS, pieces: PIECES, picture };
  const made = blocks(text.split(/\r?\n/), 0, budget);
  return [made, budget.blocks <= 0 ? el("p", { class: "quiet" }, t("shown.cut")) : null];
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:[ \t]+|$)/;
const QUOTE = /^ {0,3}> ?/;
const DIVIDER = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

function blank(line) {
  return line.trim() === "";
}

function blocks(lines, depth, budget) {
  const made = [];
  let at = 0;
  while (at < lines.length && budget.blocks > 0) {
    if (blank(lines[at])) {
      at += 1;
      continue;
    }
    budget.blocks -= 1;
    const [node, next] = block(lines, at, depth, budget);
    made.push(node);
    at = Math.max(next, at + 1);
  }
  return made;
}

function block(lines, at, depth, budget) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return fenced(lines, at, fence[1]);
  const heading = HEADING.exec(line);
  if (heading) return [title(heading[1].length, heading[2] ?? "", budget), at + 1];
  if (RULE.test(line)) return [el("hr"), at + 1];
  if (/^(?: {4}|\t)/.test(line)) return indented(lines, at);
  if (depth < DEEPEST && QUOTE.test(line)) return quote(lines, at, depth, budget);
  if (depth < DEEPEST && ITEM.test(line)) return list(lines, at, depth, budget);
  if (line.includes("|") && divides(lines[at + 1] ?? "")) return table(lines, at, budget);
  return paragraph(lines, at, depth, budget);
}

function divides(line) {
  return line.length < FAR && DIVIDER.test(line);
}

function pre(lines) {
  return el("pre", { tabindex: "0", role: "group", "aria-label": t("markdown.code") }, lines.map((line) => `${code(line, true)}\n`));
}

function fenced(lines, at, mark) {
  let end = at + 1;
  const closes = (line) => line.trim().startsWith(mark) && line.trim().replaceAll(mark[0], "") === "";
  while (end < lines.length && !closes(lines[end])) end += 1;
  return [pre(lines.slice(at + 1, end)), end + 1];
}

function indented(lines, at) {
  let end = at;
  while (end < lines.length && (/^(?: {4}|\t)/.test(lines[end]) || blank(lines[end]))) end += 1;
  const inside = lines.slice(at, end).map((line) => line.replace(/^(?: {4}|\t)/, ""));
  while (inside.length > 0 && blank(inside.at(-1))) inside.pop();
  return [pre(inside), end];
}

/** A heading of the text is no heading of the page: all stand below that of the version. */
function title(level, text, budget) {
  const bare = text.length < FAR ? text.replace(/[ \t]+#+[ \t]*$/, "") : text;
  return el("h5", { class: `level-${level}` }, inline(bare, budget));
}

function quote(lines, at, depth, budget) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [el("blockquote", {}, blocks(inside, depth + 1, budget)), end];
}

function list(lines, at, depth, budget) {
  const numbered = /\d/.test(ITEM.exec(lines[at])[2]);
  const items = [];
  let end = at;
  let wide = 2;
  while (end < lines.length) {
    const line = lines[end];
    const item = RULE.test(line) ? null : ITEM.exec(line);
    const within = /^[ \t]*/.exec(line)[0].replaceAll("\t", "    ").length >= wide;
    if (item && !(items.length > 0 && within)) {
      if (/\d/.test(item[2]) !== numbered) break;
      wide = item[1].length + item[2].length + 1;
      items.push([line.slice(item[0].length)]);
    } else if (blank(line)) {
      const next = lines[end + 1] ?? "";
      if (blank(next) || !(ITEM.test(next) || /^(?: {2}|\t)/.test(next))) break;
      items.at(-1).push("");
    } else if (within) items.at(-1).push(line.replace(new RegExp(`^(?:\\t| {1,${wide}})`), ""));
    else if (blank(lines[end - 1]) || starts(line)) break;
    else items.at(-1).push(line);
    end += 1;
  }
  const made = items.map((inside) => el("li", {}, task(inside, depth, budget)));
  return [el(numbered ? "ol" : "ul", {}, made), end];
}

/** What stands in an item: one line is no paragraph. */
function task(inside, depth, budget) {
  const box = /^\[([ xX])\][ \t]+/.exec(inside[0]);
  const sign = box ? (box[1] === " " ? "☐ " : "☑ ") : "";
  if (box) inside[0] = inside[0].slice(box[0].length);
  let end = 1;
  while (end < inside.length && !blank(inside[end]) && !starts(inside[end])) end += 1;
  if (starts(inside[0])) return [sign, blocks(inside, depth + 1, budget)];
  return [sign, inline(inside.slice(0, end).join(" "), budget), blocks(inside.slice(end), depth + 1, budget)];
}

/** Whether a block of another kind begins with this line. */
function starts(line) {
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((kind) => kind.test(line));
}

function row(line) {
  const inside = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inside.split(/(?<!\\)\|/).slice(0, COLUMNS).map((text) => text.trim().replaceAll("\\|", "|"));
}

function table(lines, at, budget) {
  let end = at + 2;
  while (end < lines.length && !blank(lines[end]) && lines[end].includes("|")) end += 1;
  const body = lines.slice(at + 2, Math.min(end, at + 2 + budget.blocks));
  budget.blocks -= body.length;
  const name = (text) => (text === "" ? el("td") : el("th", { scope: "col" }, inline(text, budget)));
  return [el("div", { class: "sheet", tabindex: "0", role: "group", "aria-label": t("shown.table") },
    el("table", {},
      el("thead", {}, el("tr", {}, row(lines[at]).map(name))),
      el("tbody", {}, body.map((line) => el("tr", {}, row(line).map((text) => el("td", {}, inline(text, budget)))))))), end];
}

function paragraph(lines, at, depth, budget) {
  let end = at + 1;
  while (end < lines.length && !blank(lines[end]) && !starts(lines[end])) {
    const under = UNDERLINE.exec(lines[end]);
    if (under) return [title(under[1][0] === "=" ? 1 : 2, lines.slice(at, end).join(" "), budget), end + 1];
    end += 1;
  }
  // two dashes below a text are a heading, three are a line too
  if (end < lines.length && /^ {0,3}-{3,}[ \t]*$/.test(lines[end])) return [title(2, lines.slice(at, end).join(" "), budget), end + 1];
  return [el("p", {}, inline(lines.slice(at, end).map((line) => line.trim()).join("\n"), budget)), end];
}

const SPECIAL = /[\\`*_~![\n]/g;
const LINK = /^\[([^[\]\n]{0,400})\]\(\s{0,9}<?([^()<>\s]{0,800})>?(?:\s{1,9}"[^"]{0,400}"|\s{1,9}'[^']{0,400}')?\s{0,9}\)/;

/** The pieces of a line of text. */
function inline(text, budget, within = 0) {
  const made = [];
  let from = 0;
  let at = 0;
  const until = (end) => {
    if (end > from) made.push(shown(text.slice(from, end)));
  };
  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const found = SPECIAL.exec(text);
    if (!found || budget.pieces <= 0) break;
    at = found.index;
    const piece = special(text, at, budget, within);
    if (piece === null) {
      // a mark that is none is text, all of a run of it
      const mark = text[at];
      at += 1;
      while (mark !== "\\" && mark !== "[" && mark !== "!" && text[at] === mark) at += 1;
      continue;
    }
    budget.pieces -= 1;
    until(at);
    made.push(piece.node);
    at = piece.end;
    from = at;
  }
  until(text.length);
  return made;
}

function special(text, at, budget, within) {
  const c = text[at];
  if (c === "\n") return { node: / {2}$/.test(text.slice(Math.max(0, at - 2), at)) ? el("br") : " ", end: at + 1 };
  if (c === "\\") return /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "") ? { node: shown(text[at + 1]), end: at + 2 } : null;
  if (c === "`") return codeSpan(text, at);
  if (c === "!") return text[at + 1] === "[" ? picture(text, at, budget) : null;
  if (c === "[") return link(text, at, budget, within);
  return emphasis(text, at, budget, within);
}

function codeSpan(text, at) {
  const mark = /^`+/.exec(text.slice(at, at + 20))[0];
  const part = text.slice(at + mark.length, at + mark.length + FAR);
  const end = part.indexOf(mark);
  if (end < 0) return null;
  return { node: el("code", {}, shown(part.slice(0, end).replaceAll("\n", " ").trim())), end: at + mark.length * 2 + end };
}

function picture(text, at, budget) {
  const found = LINK.exec(text.slice(at + 1, at + 2_000));
  if (!found) return null;
  const [all, name, address] = found;
  const attached = /^attachment:(.*)$/.exec(address)?.[1];
  const drawn = attached === undefined ? null : budget.picture(attached, name);
  const words = name || attached || address;
  return { node: drawn ?? el("span", { class: "quiet" }, t("markdown.picture", { name: words })), end: at + 1 + all.length };
}

function link(text, at, budget, within) {
  const found = LINK.exec(text.slice(at, at + 2_000));
  if (!found || within > 3) return null;
  const [all, words, address] = found;
  const node = el("span", {}, el("span", { class: "link" }, inline(words, budget, within + 1)), " ", el("span", { class: "quiet" }, `(${shown(address)})`));
  return { node, end: at + all.length };
}

const TAGS = { 1: "em", 2: "strong", "~": "del" };

function emphasis(text, at, budget, within) {
  const c = text[at];
  let long = 1;
  while (long < 3 && text[at + long] === c) long += 1;
  if (within > 3 || (c === "~" && long !== 2) || /\s/.test(text[at + long] ?? " ")) return null;
  // an underscore inside a word is part of it
  if (c === "_" && /[\p{L}\p{N}]/u.test(text[at - 1] ?? " ")) return null;
  const mark = c.repeat(long);
  const part = text.slice(at + long, at + long + FAR);
  for (let end = part.indexOf(mark, 1); end > 0; end = part.indexOf(mark, end + 1)) {
    const behind = part[end + long] ?? " ";
    if (/\s/.test(part[end - 1]) || (c === "_" && /[\p{L}\p{N}]/u.test(behind)) || (long === 1 && behind === c)) continue;
    const inside = inline(part.slice(0, end), budget, within + 1);
    const node = c === "~" ? el(TAGS["~"], {}, inside)
      : long === 3 ? el("strong", {}, el("em", {}, inside)) : el(TAGS[long], {}, inside);
    return { node, end: at + long * 2 + end };
  }
  return null;
}
