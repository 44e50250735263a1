// What runs courses here, what each may do and why, and that it no longer may.

import { read } from "./api.js";
import { ask } from "./dialog.js";
import { el } from "./element.js";
import { begin, busy, endings, of, panel } from "./operation.js";
import { choose, instead, meant, Sheet } from "./workspaces.js";
import { shown, t, word } from "./words.js";

const plugins = new Sheet();

/** Draw it. */
export function permissions({ state, about, again }) {
  const ws = meant(state, about);
  const sheet = plugins.get(endings(state), () => read("plugins"), again);
  return [
    el("h1", { tabindex: "-1" }, t("plugins.title")),
    el("p", {}, t("plugins.means")),
    ws ? choose(state, "plugins", ws) : null,
    ws ? of(state, ws.workspace, "plugins").map((operation) => panel(operation, again)) : null,
    instead(sheet) ?? sheet.plugins.map((plugin) => one(plugin, ws, state)),
  ];
}

function one(plugin, ws, state) {
  const granted = grants(plugin, ws);
  return el("article", { class: "card", "data-key": plugin.id, "aria-label": shown(plugin.title ?? plugin.id) },
    el("h2", {}, shown(plugin.title ?? plugin.id)),
    el("p", { class: "quiet" }, plugin.publisher
      ? t("plugins.by", { id: plugin.id, version: plugin.version, publisher: plugin.publisher })
      : t("plugins.version", { id: plugin.id, version: plugin.version })),
    el("h3", {}, t("plugins.wants")),
    plugin.capabilities?.length
      ? el("ul", {}, plugin.capabilities.map((capability) => el("li", {}, shown(capability.reason),
        capability.rights?.length ? el("ul", {}, capability.rights.map((right) => el("li", {}, shown(right.words ?? right)))) : null)))
      : el("p", {}, t("plugins.wants-nothing")),
    el("h3", {}, t("plugins.granted")),
    granted.length === 0
      ? el("p", {}, t("plugins.nothing"))
      : [
        el("ul", {}, granted.map((grant) => el("li", {}, words(grant)))),
        ws ? el("div", { class: "buttons" }, el("button", {
          type: "button", disabled: busy(state, ws.workspace), onclick: () => revoke(plugin, ws),
        }, t("plugins.revoke"))) : null,
      ]);
}

/** A permission as people say it; one of a kind that this page does not know is shown as it is. */
function words(grant) {
  if (grant.startsWith("program ")) return t("grant.program", { name: grant.slice(8) });
  return word("grant.", grant.replace(" ", "-"));
}

/** What was allowed in this workspace; kitbag tells it by workspace, or for the only one. */
function grants(plugin, ws) {
  const own = plugin.workspaces?.find((one) => one.workspace === ws?.workspace);
  return plugin.workspaces ? own?.grants ?? [] : plugin.grants ?? [];
}

async function revoke(plugin, ws) {
  const yes = await ask({
    title: t("revoke.title", { plugin: plugin.title ?? plugin.id }),
    inside: el("p", {}, t("revoke.means")),
    yes: t("plugins.revoke"),
    no: t("dialog.not-now"),
  });
  if (yes) begin(ws.workspace, "grant-revoke", { plugin: plugin.id });
}
