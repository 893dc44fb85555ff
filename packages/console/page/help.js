import { t } from "./words.js";

/** Lists the keys and the states in a dialog. @param {HTMLDialogElement} dialog */
export function fillHelp(dialog) {
  const title = Object.assign(element("h2", t("keys.title")), { id: "keys-title" });
  const keys = KEYS.map(
    ([names, word]) => /** @type {const} */ ([names.split(" ").map(keyOf), t(word)]),
  );
  const states = STATES.map(
    (state) => /** @type {const} */ ([[wordOf(state)], t(`means.${state}`)]),
  );
  const closing = element("button", t("keys.close"));
  closing.onclick = () => dialog.close();
  const parts = [listOf(keys), element("h2", t("means.title")), listOf(states)];
  dialog.replaceChildren(title, ...parts, element("p", t("means.show")), closing);
}

const KEYS = /** @type {const} */ ([
  ["j k", "keys.rows"],
  ["Enter", "keys.open"],
  ["Esc", "keys.leave"],
  ["/", "keys.find"],
  ["1 2 3 4 5", "keys.all"],
  ["n", "keys.new"],
  ["r", "act.again"],
  ["e", "act.edit"],
  ["Ctrl+Enter", "act.run"],
  ["p", "act.pause"],
  ["?", "keys.help"],
]);

/** In the order in which a task comes to them. */
const STATES = /** @type {const} */ ([
  "delayed",
  "waiting",
  "running",
  "retrying",
  "hidden",
  "ok",
  "failed",
  "dead",
  "revoked",
  "expired",
  "done",
]);

/** @param {(readonly [readonly Node[], string])[]} entries */
function listOf(entries) {
  const list = element("dl");
  for (const [terms, text] of entries) list.append(element("dt", ...terms), element("dd", text));
  return list;
}

/** @param {string} name */
function keyOf(name) {
  return element("kbd", name);
}

/** @param {typeof STATES[number]} state */
function wordOf(state) {
  const word = Object.assign(element("span", t(`is.${state}`)), { className: "word" });
  const term = element("span", word);
  term.dataset.state = state;
  return term;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {(Node | string)[]} children
 */
function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
