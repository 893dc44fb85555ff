import { harmless } from "./harmless.js";
import { timeOf } from "./store.js";
import { size, t } from "./words.js";

/** @import { Action, ContainerView, Overview, QueueView, TimerView } from "../source.ts" */
/** @typedef {{ name: string, words: string, is?: string, facts: string[], link?: string, actions?: [Action, string, string?][] }} Item */

/** What runs here: containers, queues, timers, and what can be done with them. Dispatches `console-action`. */
export class CloudPanel extends HTMLElement {
  /** What each part was made from: what has not changed keeps its elements, and their focus. @type {Map<string, string>} */
  #made = new Map();
  #body = document.createElement("div");

  connectedCallback() {
    const fold = document.createElement("details");
    fold.open = matchMedia("(min-width: 701px)").matches;
    fold.append(textOf("summary", t("panel.title")), this.#body);
    this.append(fold);
    for (const name of ["note", "tasks", "containers", "queues", "timers"])
      this.#body.append(Object.assign(document.createElement("section"), { className: name }));
  }

  /** @param {Overview} overview */
  set overview({ note, source, paused, actions, containers, queues, timers }) {
    const can = (/** @type {Action["kind"]} */ kind) => actions.includes(kind);
    this.#make("note", note ?? "", () => (note ? [textOf("p", harmless(note))] : []));
    this.#make("tasks", [paused, actions], () => pauseOf(paused, can));
    this.#list("containers", containers.map(containerOf));
    this.#list("queues", queues.map(queueOf));
    this.#list(
      "timers",
      timers.map((timer) => timerOf(timer, can("fire"))),
    );
    this.dataset.source = source;
  }

  /**
   * @param {"containers" | "queues" | "timers"} name
   * @param {Item[]} items
   */
  #list(name, items) {
    this.#make(name, items, () => {
      if (items.length === 0) return [];
      const list = document.createElement("ul");
      list.append(...items.map(elementOf));
      return [textOf("h2", t(`panel.${name}`)), list];
    });
  }

  /**
   * @param {string} name
   * @param {unknown} from
   * @param {() => Node[]} make
   */
  #make(name, from, make) {
    const text = JSON.stringify(from);
    if (this.#made.get(name) === text) return;
    this.#made.set(name, text);
    const section = this.#body.querySelector(`.${name}`);
    const focused = section?.contains(document.activeElement) ? document.activeElement : null;
    section?.replaceChildren(...make());
    for (const button of section?.querySelectorAll("button") ?? [])
      if (focused && button.getAttribute("aria-label") === focused.getAttribute("aria-label"))
        button.focus();
  }
}

/**
 * @param {boolean} isPaused
 * @param {(kind: Action["kind"]) => boolean} can
 */
function pauseOf(isPaused, can) {
  /** @type {("pause" | "resume" | "step")[]} */
  const kinds = isPaused ? ["resume", "step"] : ["pause"];
  const buttons = kinds.filter(can).map((kind) => {
    const button = buttonOf({ kind }, t(`act.${kind}`));
    if (kind !== "step") button.setAttribute("aria-keyshortcuts", "p");
    return button;
  });
  return isPaused ? [textOf("p", t("panel.paused")), ...buttons] : buttons;
}

/** @param {ContainerView} container @returns {Item} */
function containerOf({ name, state, busy, concurrency, memoryBytes, memoryLimitBytes }) {
  const facts = [];
  if (busy !== undefined && concurrency !== undefined)
    facts.push(t("panel.busy", { busy, count: concurrency }));
  if (memoryBytes !== undefined && memoryLimitBytes !== undefined)
    facts.push(t("panel.memory", { size: size(memoryBytes), limit: size(memoryLimitBytes) }));
  return { name, words: state, is: state, facts };
}

/** @param {QueueView} queue @returns {Item} */
function queueOf({ name, waiting, inFlight, delayed, dead }) {
  const facts = [t("panel.counts", { waiting, flight: inFlight, delayed })];
  const words = dead > 0 ? t("panel.dead", { count: dead }) : "";
  return { name, words, is: dead > 0 ? "dead" : "", facts, ...(dead > 0 && { link: "dead" }) };
}

/** @param {TimerView} timer @param {boolean} canFire @returns {Item} */
function timerOf({ name, schedule, nextAt, lastStatus }, canFire) {
  const isWell = lastStatus === undefined || lastStatus < 400;
  const facts = [schedule];
  if (nextAt !== undefined) facts.push(t("panel.due", { at: timeOf(nextAt) }));
  if (lastStatus !== undefined) facts.push(t("panel.last", { status: String(lastStatus) }));
  /** @type {Item["actions"]} */
  const actions = canFire
    ? [[{ kind: "fire", timer: name }, t("act.fire"), t("act.fireTimer", { name: harmless(name) })]]
    : [];
  return { name, words: "", is: isWell ? "" : "failed", facts, actions };
}

/** @param {Item} item */
function elementOf({ name, words, is = "", facts, link, actions = [] }) {
  const element = document.createElement("li");
  element.dataset.is = is;
  const line = textOf("div", "");
  line.append(textOf("bdi", harmless(name)));
  if (words) line.append(" ", link ? linkOf(link, words) : textOf("span", harmless(words)));
  line.append(...actions.map(([action, text, label]) => buttonOf(action, text, label)));
  element.append(line, ...facts.map((fact) => textOf("small", harmless(fact))));
  return element;
}

/** @param {string} view @param {string} text */
function linkOf(view, text) {
  const link = textOf("a", text);
  link.dataset.view = view;
  link.setAttribute("href", `#view=${view}`);
  return link;
}

/** @param {Action} action @param {string} text */
function buttonOf(action, text, label = text) {
  const button = textOf("button", text);
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.onclick = () =>
    button.dispatchEvent(new CustomEvent("console-action", { bubbles: true, detail: action }));
  return button;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} text
 */
function textOf(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}

customElements.define("cloud-panel", CloudPanel);
