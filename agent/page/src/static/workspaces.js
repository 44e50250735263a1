// The views of one workspace: which one is meant, what is read of it, and that it is read again when something changed.

import { Gone, LockedOut, Refused } from "./api.js";
import { findingParts } from "./dialog.js";
import { el } from "./element.js";
import { trouble } from "./operation.js";
import { shown, t } from "./words.js";

/** The workspace an address names; the first where it names none, null where there is none. */
export function meant(state, name) {
  return state.workspaces.find((ws) => ws.workspace === name) ?? state.workspaces[0] ?? null;
}

/** Links to the same view of the others, where there are several. */
export function choose(state, view, ws) {
  if (state.workspaces.length < 2) return null;
  return el("nav", { class: "others", "aria-label": t("workspaces.label") },
    el("ul", {}, state.workspaces.map((one) => el("li", { "data-key": one.workspace },
      el("a", { href: `#/${view}/${encodeURIComponent(one.workspace)}`, "aria-current": one === ws ? "page" : null },
        shown(one.workspace))))));
}

/** When something is asked for again that did not come at all, in milliseconds. */
const LATER = 3_000;

/** Something read from kitbag for a view: read once for each mark, drawn as soon as it is there. */
export class Sheet {
  #mark = null;
  #said = null;
  #reading = false;

  /** What was read for this mark; null while it is on its way. `reader` reads, `again` draws. */
  get(mark, reader, again) {
    if (mark !== this.#mark && !this.#reading) this.#read(mark, reader, again);
    return this.#said;
  }

  /** Read again the next time. */
  stale() {
    this.#mark = null;
  }

  /** Another thing is asked for: what was read is no answer to it. */
  forget() {
    this.#mark = null;
    this.#said = null;
  }

  async #read(mark, reader, again) {
    this.#mark = mark;
    this.#reading = true;
    try {
      this.#said = await reader();
    } catch (error) {
      if (error instanceof Refused) this.#said = { finding: error.finding };
      else if (error instanceof LockedOut) trouble(error);
      else if (error instanceof Gone) setTimeout(() => { this.stale(); again(); }, LATER);
      else throw error;
    } finally {
      this.#reading = false;
      again();
    }
  }
}

/** What stands in place of a sheet that is on its way, or was refused; null where it is there. */
export function instead(sheet) {
  if (sheet === null) return el("p", { class: "quiet", "aria-busy": "true" }, t("sheet.reading"));
  return sheet.finding ? el("div", { class: "finding" }, findingParts(sheet.finding)) : null;
}
