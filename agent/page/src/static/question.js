// A command that runs asks something: whether a course may start programs, or whether to go on although something could
// be lost. The words are those of the command line. No answer, or Escape, is a no.

import { change } from "./api.js";
import { lines, open } from "./dialog.js";
import { el } from "./element.js";
import { trouble } from "./operation.js";
import { known, shown, t } from "./words.js";

let asked = null;

/** Put the first open question of these operations before the person; take one away that somebody else answered. */
export function questions(operations) {
  const waits = operations.find((one) => one.ended === null && one.question);
  const name = waits ? `${waits.id} ${waits.question.id}` : null;
  if (asked?.name === name) return;
  if (asked) {
    asked.answered = true;
    asked.box.close("gone");
    asked = null;
  }
  if (waits) put(waits, name);
}

async function put(operation, name) {
  const { question } = operation;
  const own = { name, answered: false, box: null };
  asked = own;
  const consent = question.kind === "consent";
  const about = question.detail?.about;
  const [yes, no] = consent ? [t("question.allow"), t("question.refuse")]
    : about === "machine" ? [t("question.start"), t("question.not-start")] : [t("question.go-on"), t("question.stop")];
  const title = consent ? t("question.consent") : known(`doubt.${about}`) ? t(`doubt.${about}`) : t("question.doubt");
  const told = question.told?.length ? question.told : lines(question.text);
  own.box = open(title, inside(told, question), [
    { text: no, gives: "no" },
    ...(question.kind === "line" ? [] : [{ text: yes, gives: "yes" }]),
  ]);
  const gives = await own.box.answered;
  if (own.answered) return;
  try {
    await change({ question: question.id, yes: gives === "yes" }, "operations", operation.id, "answer");
  } catch (error) {
    trouble(error);
  }
}

// Lines that begin with spaces belong to the one before, as they stand on a terminal.
function inside(told, question) {
  const parts = [];
  for (const line of told) {
    if (!/^ {2}/.test(line)) parts.push({ text: line, items: [] });
    else if (parts.length > 0) parts.at(-1).items.push(line.trim());
    else parts.push({ text: line.trim(), items: [] });
  }
  return [
    parts.map(({ text, items }) => [
      el("p", {}, shown(text)),
      items.length > 0 ? el("ul", {}, items.map((item) => el("li", {}, shown(item)))) : null,
    ]),
    question.told?.length ? lines(question.text.replace(/\s*\[[yn/]+\]\s*$/i, "")).map((line) => el("p", { class: "what" }, line)) : null,
  ];
}
