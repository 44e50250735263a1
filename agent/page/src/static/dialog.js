// A question in front of the page. The browser's own dialog keeps the focus inside and gives it back; Escape is a no.

import { el, show } from "./element.js";
import { shown, t } from "./words.js";

/** Ask, and wait for the answer: true for yes. `inside` are elements; `yes` and `no` are what stands on the buttons. */
export function ask({ title, inside, yes, no }) {
  const box = open(title, inside, [{ text: no, gives: "no" }, { text: yes, gives: "yes", first: true }]);
  return box.answered.then((gives) => gives === "yes");
}

/** Tell something that needs no answer. */
export function tell({ title, inside }) {
  return open(title, inside, [{ text: t("dialog.close"), gives: "close", first: true }]).answered;
}

/** Bad news: what, why, what to do. */
export function tellFinding(finding) {
  return tell({ title: t("dialog.refused"), inside: findingParts(finding) });
}

/** The three parts of bad news. */
export function findingParts({ what, why, remedy }) {
  return [
    el("p", { class: "what" }, shown(what)),
    paragraphs(why),
    remedy ? el("p", {}, el("strong", {}, t("finding.todo")), " ", shown(remedy)) : null,
  ];
}

/** Text of several lines, each a paragraph. */
export function paragraphs(text) {
  return lines(text).map((line) => el("p", {}, line));
}

/** The lines of a text, safe to look at, without empty ones. */
export function lines(text) {
  return String(text ?? "").split("\n").map((line) => shown(line)).filter((line) => line.trim() !== "");
}

/** Open a dialog with these buttons; the first of `buttons` has the focus: it is the careful one. */
export function open(title, inside, buttons) {
  let answer;
  const answered = new Promise((done) => { answer = done; });
  const box = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title", onclose: () => {
    const gives = box.returnValue || "no";
    box.remove();
    answer(gives);
  } });
  const made = buttons.map(({ text, gives, first }) =>
    el("button", { type: "button", class: first ? "first" : "", value: gives, onclick: () => box.close(gives) }, text));
  show(box, el("h2", { id: "dialog-title" }, title), el("div", { class: "said", tabindex: "0" }, inside), el("div", { class: "buttons" }, made));
  document.body.append(box);
  box.showModal();
  made[0].focus();
  return { answered, close: (gives) => box.close(gives) };
}
