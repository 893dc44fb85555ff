import "./task-editor.js";
import "./task-story.js";
import {
  actionsOf,
  argumentsOf,
  errorOf,
  headOf,
  logOf,
  resultOf,
  waitingOf,
} from "./detail-parts.js";
import { h, refresh, tell } from "./dom.js";
import { familyOf } from "./family-tree.js";
import { language, t } from "./words.js";

/** @typedef {import("../source.ts").TaskDetail} Detail */
/** @typedef {{ readonly print: unknown, readonly nodes: () => (Node | false | undefined)[] } | undefined} Part */

/**
 * All of one task. What has not changed is left as it is: folds, focus, and what is being typed.
 */
export class TaskDetail extends HTMLElement {
  /** @type {Detail | undefined} */
  #detail;
  /** @type {readonly string[]} */
  #actions = [];
  /** @type {Map<string, { section: HTMLElement, print: string }>} */
  #parts = new Map();
  #editor = h("section", { hidden: true });

  /** @param {Detail | undefined} detail */
  set detail(detail) {
    if (detail?.task.id !== this.#detail?.task.id) this.closeEditor();
    this.#detail = detail;
    this.show();
  }

  /** @param {import("../source.ts").Overview | undefined} overview */
  set overview(overview) {
    this.#actions = overview?.actions ?? [];
    this.show();
  }

  show() {
    const detail = this.#detail;
    this.put("head", headOf(detail));
    this.put("actions", detail && actionsOf(detail, this.#actions, this));
    if (this.#editor.parentNode !== this) this.append(this.#editor);
    this.put("waiting", detail && waitingOf(detail));
    this.put("failure", detail && errorOf(detail));
    this.put("story", detail && this.story(detail));
    this.put("arguments", detail && argumentsOf(detail));
    this.put("result", detail && resultOf(detail));
    this.put("log", detail && logOf(detail));
    this.put("family", detail && familyOf(detail));
  }

  /**
   * @param {string} name
   * @param {Part} part
   */
  put(name, part) {
    const known = this.#parts.get(name) ?? {
      section: h("section", { className: name }),
      print: "",
    };
    this.#parts.set(name, known);
    if (known.section.parentNode !== this) this.append(known.section);
    const print = JSON.stringify([language(), part?.print]);
    if (known.print === print) return;
    known.print = print;
    known.section.hidden = part === undefined;
    refresh(known.section, ...(part?.nodes() ?? []));
  }

  /**
   * @param {Detail} detail
   * @returns {Part}
   */
  story({ steps, location }) {
    const make = () =>
      Object.assign(document.createElement("task-story"), { story: { steps, location } });
    return { print: [steps, location], nodes: () => [h("h3", {}, t("detail.story")), make()] };
  }

  /** Opens the editor, unless something is being typed in it. */
  edit() {
    if (!this.#detail || !this.#editor.hidden) return;
    const editor = Object.assign(document.createElement("task-editor"), {
      task: this.#detail.task,
    });
    editor.addEventListener("close", () => {
      this.closeEditor();
      const button = this.querySelector("[data-key=edit]");
      if (button instanceof HTMLElement) button.focus();
    });
    this.#editor.hidden = false;
    this.#editor.append(h("h3", {}, t("act.edit")), editor);
  }

  again() {
    if (this.#detail) tell(this, "console-action", { kind: "again", id: this.#detail.task.id });
  }

  closeEditor() {
    this.#editor.hidden = true;
    this.#editor.replaceChildren();
  }
}

customElements.define("task-detail", TaskDetail);
