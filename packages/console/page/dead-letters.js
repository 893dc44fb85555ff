import { h, refresh, taskLink, tell } from "./dom.js";
import { clock, duration, t } from "./words.js";

/** @typedef {import("../source.ts").DeadLetterGroup} Group */

/** So many of a group's tasks are linked. */
const SHOWN = 100;

/** The dead letters by task and error, to send back or to delete. */
export class DeadLetters extends HTMLElement {
  /** @type {readonly Group[]} */
  #groups = [];
  /** @type {readonly string[]} */
  #actions = [];
  #list = h("div");
  #dialog = h("dialog", { "aria-labelledby": "dead-question" });

  connectedCallback() {
    if (!this.hasChildNodes())
      this.append(h("h2", { tabIndex: -1 }, t("dead.title")), this.#list, this.#dialog);
  }

  /** @param {readonly Group[]} groups */
  set groups(groups) {
    this.#groups = groups;
    this.show();
  }

  /** @param {import("../source.ts").Overview | undefined} overview */
  set overview(overview) {
    this.#actions = overview?.actions ?? [];
    this.show();
  }

  show() {
    const groups = this.#groups.map((group) => this.articleOf(group));
    const canAct = this.#actions.includes("redrive") || this.#actions.includes("delete");
    refresh(
      this.#list,
      groups.length === 0 && h("p", { className: "muted" }, t("dead.empty")),
      !canAct && groups.length > 0 && h("p", { className: "muted" }, t("act.none")),
      ...groups,
    );
  }

  /** @param {Group} group */
  articleOf(group) {
    const { name, error, queue, count, oldestAt, letters } = group;
    const key = JSON.stringify([name, error, queue]);
    const ago = duration(Date.now() - oldestAt);
    const ids = letters.map(({ messageId }) => messageId);
    const label = `${t("dead.count", { count })}, ${name}`;
    return h(
      "article",
      { "aria-label": label },
      h("h3", {}, name, " ", h("span", { className: "count" }, t("dead.count", { count }))),
      error.type === ""
        ? h("p", { className: "muted" }, t("dead.noError"))
        : h("p", { className: "bad text" }, `${error.type}: ${error.message}`),
      h("p", { className: "muted" }, `${queue} · `, t("dead.oldest", { ago, at: clock(oldestAt) })),
      h(
        "p",
        { className: "buttons" },
        this.#actions.includes("redrive") &&
          this.button("act.redrive", `redrive ${key}`, label, () =>
            tell(this, "console-action", { kind: "redrive", messageIds: ids }),
          ),
        this.#actions.includes("delete") &&
          this.button("act.delete", `delete ${key}`, label, () => this.ask(name, ids)),
      ),
      foldOf(key, group),
    );
  }

  /**
   * @param {"act.redrive" | "act.delete"} word
   * @param {string} key
   * @param {string} label
   * @param {() => void} act
   */
  button(word, key, label, act) {
    const button = h(
      "button",
      { type: "button", "data-key": key, "aria-label": `${t(word)}: ${label}` },
      t(word),
    );
    // The second click of a double one is no second order.
    button.onclick = ({ detail }) => detail < 2 && act();
    return button;
  }

  /**
   * @param {string} name
   * @param {readonly string[]} messageIds
   */
  ask(name, messageIds) {
    const remove = h("button", { className: "bad", value: "delete" }, t("act.delete"));
    const keep = h("button", { autofocus: true, value: "" }, t("act.cancel"));
    const question = h(
      "p",
      { id: "dead-question" },
      t("dead.ask", { count: messageIds.length, name }),
    );
    const form = h(
      "form",
      { method: "dialog" },
      question,
      h("p", { className: "buttons" }, keep, remove),
    );
    this.#dialog.replaceChildren(form);
    this.#dialog.returnValue = "";
    this.#dialog.onclose = () => {
      if (this.#dialog.returnValue === "delete")
        tell(this, "console-action", { kind: "delete", messageIds });
    };
    this.#dialog.showModal();
  }
}

/**
 * @param {string} key
 * @param {Group} group
 */
function foldOf(key, { count, letters }) {
  const links = letters.slice(0, SHOWN).map(({ taskId }) => h("li", {}, taskLink(taskId, taskId)));
  const more = count - links.length;
  return h(
    "details",
    { "data-key": `letters ${key}` },
    h("summary", { "data-key": `summary ${key}` }, t("dead.tasks")),
    h(
      "ul",
      {},
      ...links,
      more > 0 && h("li", { className: "muted" }, t("dead.more", { count: more })),
    ),
  );
}

customElements.define("dead-letters", DeadLetters);
