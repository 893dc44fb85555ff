import { copy } from "./api.js";
import { harmless } from "./harmless.js";
import { readPlace, writePlace } from "./store.js";
import { t } from "./words.js";

/**
 * An element with its properties, attributes (those with a dash, and `role`), listeners (`onclick`)
 * and children. Text is only ever a text node, and harmless; `false` and `undefined` are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {(Node | string | false | undefined)[]} children
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name in element && !name.includes("-")) Object.assign(element, { [name]: value });
    else element.setAttribute(name, String(value));
  }
  element.append(
    ...children
      .filter(isShown)
      .map((child) => (typeof child === "string" ? harmless(child) : child)),
  );
  return element;
}

/**
 * @template {Node | string} Child
 * @param {Child | false | undefined} child
 * @returns {child is Child}
 */
function isShown(child) {
  return child !== false && child !== undefined;
}

/**
 * A button that copies the text as it is, with all that is not shown raw.
 *
 * @param {"copy.args" | "copy.id" | "copy.result" | "copy.traceback"} key what it copies
 * @param {() => string} text
 */
export function copyButton(key, text) {
  const button = h(
    "button",
    { type: "button", className: "small", "aria-label": t(key) },
    t("act.copy"),
  );
  button.onclick = async () => {
    button.textContent = t(await copy(text()));
    setTimeout(() => {
      button.textContent = t("act.copy");
    }, 2000);
  };
  return button;
}

/**
 * Has main.js do something, or show another task.
 *
 * @param {HTMLElement} from
 * @param {"console-action" | "console-select" | "console-close"} type
 * @param {import("../source.ts").Action | { readonly id: string }} [detail]
 */
export function tell(from, type, detail) {
  from.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
}

/** Without it axe takes a link that is scrolled out of sight for one that skips to a part of the page. */
const PAGE = "./";

/**
 * A link to a task: its address, which can be copied or opened in another tab, and a click.
 *
 * @param {string} id
 * @param {string} text
 */
export function taskLink(id, text) {
  const link = h("a", { href: addressOf({ t: id }), "data-key": `task ${id}` }, text);
  link.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    tell(link, "console-select", { id });
  };
  return link;
}

/** A link to the list, with its filter as it is. */
export function backLink() {
  const link = h(
    "a",
    { href: addressOf({ t: undefined }), className: "back", "data-key": "back" },
    `← ${t("detail.back")}`,
  );
  link.onclick = (event) => {
    event.preventDefault();
    tell(link, "console-close");
  };
  return link;
}

/**
 * A link to the tasks that a filter leaves.
 *
 * @param {string} text
 * @param {{ readonly q: string, readonly show?: keyof import("../source.ts").Counts }} filter
 */
export function listLink(text, { q, show = "all" }) {
  const href = addressOf({ view: "tasks", t: undefined, q, show });
  return h("a", { href, "data-key": `list ${show} ${q}` }, text);
}

/**
 * The address of another place.
 *
 * @param {Partial<import("./store.js").Place>} change from the place that is shown
 */
function addressOf(change) {
  return `${PAGE}${writePlace({ ...readPlace(location.hash), ...change })}`;
}

/**
 * Shows other elements in place of those there are, and leaves focus and folds as they were, by
 * `data-key`.
 *
 * @param {HTMLElement} host
 * @param {(Node | false | undefined)[]} nodes
 */
export function refresh(host, ...nodes) {
  const active = host.contains(document.activeElement) ? keyOf(document.activeElement) : undefined;
  const folds = new Map([...foldsOf(host)].map((fold) => [keyOf(fold), fold.open]));
  host.replaceChildren(...nodes.filter(isShown));
  for (const fold of foldsOf(host)) fold.open = folds.get(keyOf(fold)) ?? fold.open;
  if (active === undefined) return;
  for (const element of host.querySelectorAll("[data-key]"))
    if (keyOf(element) === active && element instanceof HTMLElement) element.focus();
}

/**
 * @param {HTMLElement} host
 * @returns {NodeListOf<HTMLDetailsElement>}
 */
function foldsOf(host) {
  return host.querySelectorAll("details[data-key]");
}

/** @param {Element | null} element */
function keyOf(element) {
  return element?.getAttribute("data-key") ?? undefined;
}
