import { h } from "./dom.js";
import { entriesOf, inRanges, isBranch, isSmall, jsonOf, LONG, measure } from "./values.js";
import { size, t } from "./words.js";

/** @typedef {import("./values.js").Entry} Entry */

/** What is deeper is shown as text: browsers crash over a thousand levels. */
const DEEPEST = 20;

/** A value, whole: what is large is folded, and made only when it is unfolded. */
export class ValueTree extends HTMLElement {
  /** @param {unknown} value */
  set value(value) {
    const isOpen = isBranch(value) && Object.keys(value).length > 0;
    this.replaceChildren(isOpen ? listOf(entriesOf(value)) : h("div", {}, leafOf(value)));
  }
}

/**
 * @param {readonly Entry[]} entries
 * @param {number} level
 * @returns {HTMLElement}
 */
function listOf(entries, level = 1) {
  return h("ul", {}, ...entries.map((entry) => h("li", {}, itemOf(entry, level))));
}

/**
 * @param {Entry} entry
 * @param {number} level
 */
function itemOf({ key, value, isRange = false }, level) {
  const name = h("span", { className: "key" }, key);
  if (isRange && Array.isArray(value))
    return foldOf(() => listOf(inRanges(value), level), false, name);
  if (typeof value === "string" && value.length > LONG) return textFoldOf(value, name);
  if (!isBranch(value) || Object.keys(value).length === 0)
    return h("div", {}, name, " ", leafOf(value));
  const count = Object.keys(value).length;
  const text = t(Array.isArray(value) ? "tree.items" : "tree.fields", { count });
  const kind = h("span", { className: "muted" }, text);
  const make = () =>
    level < DEEPEST ? listOf(entriesOf(value), level + 1) : wholeText(jsonOf(value));
  return foldOf(make, isSmall(value), name, " ", kind);
}

/**
 * @param {string} text
 * @param {Node} name
 */
function textFoldOf(text, name) {
  const about = h(
    "span",
    { className: "muted" },
    t("tree.text", { size: size(measure(text).bytes - 2) }),
  );
  const start = h(
    "span",
    { className: "text start" },
    `${text.slice(0, 60).replace(/[\uD800-\uDBFF]$/, "")}…`,
  );
  return foldOf(() => wholeText(text), false, name, " ", about, " ", start);
}

/** @param {string} text */
function wholeText(text) {
  const label = t("tree.text", { size: size(measure(text).bytes - 2) });
  return h("div", { className: "whole", role: "group", tabIndex: 0, "aria-label": label }, text);
}

/** @param {unknown} value */
function leafOf(value) {
  if (typeof value === "string") return textOf(value);
  const text = isBranch(value) ? (Array.isArray(value) ? "[ ]" : "{ }") : String(value);
  return h("span", { className: "literal" }, text);
}

/** @param {string} text */
function textOf(text) {
  if (text.length > LONG) return wholeText(text);
  return h("span", { className: "text" }, `"${text}"`);
}

/**
 * @param {() => HTMLElement} make
 * @param {boolean} open
 * @param {(Node | string)[]} summary
 */
function foldOf(make, open, ...summary) {
  const fold = h("details", { open }, h("summary", {}, ...summary));
  const fill = () => {
    if (fold.open && fold.childElementCount === 1) fold.append(make());
  };
  fold.ontoggle = fill;
  fill();
  return fold;
}

customElements.define("value-tree", ValueTree);
