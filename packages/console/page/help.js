import { t } from "./words.js";

/** Lists the keys in a dialog. @param {HTMLDialogElement} dialog */
export function fillHelp(dialog) {
  const title = Object.assign(element("h2", t("keys.title")), { id: "keys-title" });
  const list = element("dl");
  for (const [names, word] of KEYS) {
    list.append(element("dt", ...names.split(" ").map((name) => element("kbd", name))));
    list.append(element("dd", t(word)));
  }
  const closing = element("button", t("keys.close"));
  closing.onclick = () => dialog.close();
  dialog.replaceChildren(title, list, closing);
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

/** @param {string} tag @param {(Node | string)[]} children */
function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
