import { harmless } from "./harmless.js";
import { barOf, stateOf, timeOf, UNTIL_DUE } from "./store.js";
import { duration, t } from "./words.js";

/** @import { TaskSummary } from "../source.ts" */
/** @typedef {{ id: string, by: "click" | "enter" | "step" }} Choice */

/**
 * Rows of a block. What is out of sight is skipped by the block: by the row, scrolling is four times as
 * slow; with more in a block, the frame in which it comes into sight is late.
 */
const BLOCK = 25;
const MOST = 2 * BLOCK;
const FEW = 8;
const PAGE = 10;
const MOST_CHARACTERS = 200;
/** Waits that grow while somebody looks. */
const TICKING = 200;
/** From the end of the list, where older tasks are asked for. */
const NEAR_PIXELS = 300;

/**
 * All listed tasks, a row each. What becomes of a task is shown at once in its row; rows are added,
 * moved and taken away only while nobody points at them or has scrolled. Dispatches `console-select`
 * with a {@link Choice} and `console-older`.
 */
export class TaskList extends HTMLElement {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {readonly TaskSummary[]} */
  #tasks = [];
  #isPointedAt = false;
  #selected = "";
  /** @type {HTMLElement | undefined} The row that the keyboard is at. */
  #current;
  #grid = part("div", { role: "grid", class: "grid", "aria-label": t("list.title") });
  #pill = part("button", { type: "button", class: "pill", hidden: "" });
  #more = part("button", { type: "button", class: "more", hidden: "" }, t("list.more"));
  #empty = part("div", { class: "empty", hidden: "" });
  #scroller = part("div", { class: "scroller" }, this.#grid, this.#empty, this.#more);

  connectedCallback() {
    this.#grid.append(headRow());
    this.append(this.#pill, this.#scroller);
    this.#pill.onclick = () => this.showNew();
    this.#more.onclick = () =>
      this.dispatchEvent(new CustomEvent("console-older", { bubbles: true }));
    this.#grid.onclick = ({ target }) => this.#choose(rowAt(target), "click");
    this.#grid.onkeydown = (event) => this.#press(event);
    this.#scroller.onscroll = () => {
      this.#release();
      this.#askForMore();
    };
    this.addEventListener("pointerover", ({ pointerType }) => this.#point(pointerType === "mouse"));
    this.onpointerleave = () => this.#point(false);
  }

  /**
   * The latest of a task that is no longer listed, while its row is held.
   *
   * @type {(id: string) => TaskSummary | undefined}
   */
  latest = () => undefined;

  /** @param {(Node | string)[]} nodes what is said when there is no row */
  set empty(nodes) {
    this.#empty.replaceChildren(...nodes);
  }

  /** @param {boolean} is whether older tasks can be shown */
  set more(is) {
    this.#more.hidden = !is;
  }

  /** @param {string} id of the task whose detail is shown, or nothing */
  set selected(id) {
    this.#rows.get(this.#selected)?.element.setAttribute("aria-selected", "false");
    this.#selected = id;
    const row = this.#rows.get(id)?.element;
    row?.setAttribute("aria-selected", "true");
    if (row) this.#makeCurrent(row);
  }

  /**
   * @param {readonly TaskSummary[]} tasks all that are listed, in order
   * @param {boolean} [isOther] another list: whatever was shown before goes
   */
  show(tasks, isOther = false) {
    this.#tasks = tasks;
    if (isOther) this.#scroller.scrollTop = 0;
    if (isOther || !this.#isHeld) this.#arrange();
    else this.#hold(tasks);
    this.#askForMore();
  }

  /** @param {readonly TaskSummary[]} tasks */
  #hold(tasks) {
    const isKnown = (/** @type {TaskSummary} */ { id }) => this.#rows.has(id);
    for (const task of tasks) this.#rows.get(task.id)?.show(task);
    const listed = new Set(tasks.map(({ id }) => id));
    for (const [id, row] of this.#rows) if (!listed.has(id)) row.leave(this.latest(id));
    const end = tasks.findLastIndex(isKnown) + 1;
    const news = end - tasks.slice(0, end).filter(isKnown).length;
    if (news > 0) this.#pill.textContent = t("list.new", { count: news });
    this.#pill.hidden = news === 0;
    // Older ones move nothing.
    if (end > 0 && end < tasks.length) this.#grid.append(...this.#blocksOf(tasks.slice(end)));
  }

  /** A second has passed. */
  tick() {
    for (const [place, { id }] of this.#tasks.entries()) this.#rows.get(id)?.tick(place < TICKING);
  }

  showNew() {
    this.#scroller.scrollTop = 0;
    this.#arrange();
  }

  /** @param {number} by how many rows down the keyboard goes; an open detail follows */
  step(by) {
    const rows = /** @type {HTMLElement[]} */ ([...this.#grid.querySelectorAll("[data-id]")]);
    const isAway = this.#selected === "" && !this.#grid.contains(document.activeElement);
    const now = this.#current ? rows.indexOf(this.#current) : -1;
    const row = rows[Math.max(0, Math.min(rows.length - 1, now + (isAway && now >= 0 ? 0 : by)))];
    if (!row) return;
    this.#makeCurrent(row);
    row.focus();
    if (this.#selected !== "") this.#choose(row, "step");
  }

  /** An IntersectionObserver misses a button that is back in sight before it looks again. */
  #askForMore() {
    if (this.#more.hidden) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    if (scrollHeight - scrollTop - clientHeight < NEAR_PIXELS) this.#more.click();
  }

  get #isHeld() {
    return this.#rows.size > 0 && (this.#isPointedAt || this.#scroller.scrollTop > 0);
  }

  /** @param {boolean} is */
  #point(is) {
    this.#isPointedAt = is;
    this.#release();
  }

  #release() {
    if (!this.#isHeld) this.#arrange();
  }

  /** Brings the rows into the order of the tasks. Moves only those that have changed. */
  #arrange() {
    const focused = rowAt(document.activeElement);
    this.#pill.hidden = true;
    this.#empty.hidden = this.#tasks.length > 0;
    this.#grid.hidden = this.#tasks.length === 0;
    this.#leaveOut(new Set(this.#tasks.map(({ id }) => id)));
    if (this.#tasks.length > 2 * this.#rows.size) this.#rebuild();
    else this.#move();
    if (focused?.isConnected && document.activeElement !== focused)
      focused.focus({ preventScroll: true });
    if (!this.#current?.isConnected)
      this.#makeCurrent(this.#rows.get(this.#tasks[0]?.id ?? "")?.element);
  }

  /** @param {ReadonlySet<string>} listed */
  #leaveOut(listed) {
    for (const [id, { element }] of this.#rows) {
      if (listed.has(id)) continue;
      this.#rows.delete(id);
      takeOut(element);
    }
  }

  #rebuild() {
    this.#grid.replaceChildren(headRow(), ...this.#blocksOf(this.#tasks));
  }

  #move() {
    /** @type {HTMLElement | undefined} */
    let next;
    for (const task of this.#tasks.toReversed()) {
      const row = this.#rowOf(task);
      if (row.placedAt !== task.changedAt) {
        takeOut(row.element);
        putBefore(row.element, next, this.#grid);
        row.placedAt = task.changedAt;
      }
      next = row.element;
    }
  }

  /** @param {readonly TaskSummary[]} tasks */
  #blocksOf(tasks) {
    const blocks = [];
    for (let start = 0; start < tasks.length; start += BLOCK) {
      const rows = tasks.slice(start, start + BLOCK).map((task) => {
        const row = this.#rowOf(task);
        row.placedAt = task.changedAt;
        return row.element;
      });
      blocks.push(blockOf(rows));
    }
    return blocks;
  }

  /** @param {TaskSummary} task */
  #rowOf(task) {
    const row = this.#rows.get(task.id) ?? new Row(task.id, task.id === this.#selected);
    this.#rows.set(task.id, row);
    row.show(task);
    return row;
  }

  /** @param {HTMLElement | undefined} row */
  #makeCurrent(row) {
    if (this.#current) this.#current.tabIndex = -1;
    this.#current = row;
    if (row) row.tabIndex = 0;
  }

  /**
   * @param {HTMLElement | undefined} row
   * @param {Choice["by"]} by
   */
  #choose(row, by) {
    const id = row?.dataset.id;
    if (!row || !id) return;
    this.#makeCurrent(row);
    this.dispatchEvent(new CustomEvent("console-select", { bubbles: true, detail: { id, by } }));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const end = this.#rows.size;
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: PAGE,
      PageUp: -PAGE,
      Home: -end,
      End: end,
    };
    if (event.key in steps) this.step(steps[/** @type {keyof typeof steps} */ (event.key)]);
    else if (event.key === "Enter" || event.key === " ") this.#choose(rowAt(event.target), "enter");
    else return;
    event.preventDefault();
  }
}

/** A row and its texts. */
class Row {
  /** What its place in the order follows from. */
  placedAt = Number.NaN;
  /** @type {TaskSummary | undefined} */
  #task;
  #texts;
  #bar;
  // Known here, because asking thousands of elements takes longer than all else of a change.
  #hasLeft = false;
  #state = "";

  /**
   * @param {string} id
   * @param {boolean} isSelected
   */
  constructor(id, isSelected) {
    this.element = /** @type {HTMLElement} */ (TEMPLATE.cloneNode(true));
    this.element.dataset.id = id;
    this.element.setAttribute("aria-selected", String(isSelected));
    const find = (/** @type {string} */ name) =>
      /** @type {HTMLElement} */ (this.element.querySelector(`.${name}`));
    this.#bar = find("bar");
    this.#texts = TEXTS.map((name) => /** @type {Text} */ (find(name).firstChild));
  }

  /** @param {TaskSummary} task */
  show(task) {
    if (this.#hasLeft) this.#setLeft(false);
    if (this.#task === task) return;
    this.#task = task;
    this.#say(task);
    for (const [name, percent] of Object.entries(barOf(task)))
      this.#bar.style.setProperty(`--${name}`, `${percent}%`);
  }

  /** It belongs to the list no longer. @param {TaskSummary | undefined} task */
  leave(task) {
    if (task) this.show(task);
    this.#setLeft(true);
  }

  /** @param {boolean} has */
  #setLeft(has) {
    this.#hasLeft = has;
    this.element.toggleAttribute("data-left", has);
  }

  /** @param {boolean} isSeen whether its wait goes on before somebody's eyes */
  tick(isSeen) {
    if (!this.#task) return;
    const state = stateOf(this.#task);
    if (state !== this.#state || (isSeen && state === "waiting")) this.#say(this.#task);
  }

  /** @param {TaskSummary} task */
  #say(task) {
    this.#state = stateOf(task);
    this.element.dataset.state = this.#state;
    for (const [place, text] of textsOf(task).entries()) {
      const node = /** @type {Text} */ (this.#texts[place]);
      if (node.data !== text) node.data = text;
    }
  }
}

const TEXTS = ["time", "word", "name", "args", "error", "waited", "ran"];
const TEMPLATE = part(
  "div",
  { role: "row", class: "row", tabindex: "-1" },
  cell("time", " "),
  cell("state", part("span", { class: "word" }, " ")),
  cell("task", ...["name", "args", "error"].map((name) => part("bdi", { class: name }, " "))),
  cell("wait", part("span", { class: "waited" }, " ")),
  cell("run", part("span", { class: "ran" }, " "), part("i", { class: "bar" })),
);

/** @param {TaskSummary} task */
function textsOf(task) {
  const { name, args, changedAt, dueAt, attempts, waitMs, runMs, error = "" } = task;
  const state = stateOf(task);
  const isDue = dueAt !== undefined && UNTIL_DUE.has(state);
  const now = state === "waiting" ? Date.now() - changedAt : 0;
  return [
    timeOf(changedAt),
    attempts > 1 ? `${t(`is.${state}`)} #${attempts}` : t(`is.${state}`),
    name === undefined ? t("detail.message") : short(name),
    short(args),
    short(error),
    isDue ? t("step.due", { at: timeOf(dueAt) }) : timeText(waitMs + now),
    timeText(runMs),
  ];
}

/** @param {number} ms */
function timeText(ms) {
  return ms > 0 ? duration(ms) : "–";
}

/** A foreign text on one line. @param {string} text */
function short(text) {
  const start = text.slice(0, MOST_CHARACTERS).replace(/[\ud800-\udbff]$/, "");
  return harmless(start.length < text.length ? `${start}…` : text).replace(/\s/g, " ");
}

function headRow() {
  const names = /** @type {const} */ (["changed", "state", "task", "wait", "run"]);
  const cells = names.map((name) => part("span", { role: "columnheader" }, t(`list.${name}`)));
  return part(
    "div",
    { role: "rowgroup", class: "head" },
    part("div", { role: "row", class: "row" }, ...cells),
  );
}

/** @param {HTMLElement[]} rows */
function blockOf(rows) {
  const block = part("div", { role: "rowgroup", class: "block" }, ...rows);
  measure(block);
  return block;
}

/** Says how many rows it has, for its height while it is out of sight. @param {HTMLElement} block */
function measure(block) {
  block.style.setProperty("--rows", String(block.childElementCount));
}

/** @param {HTMLElement} row */
function takeOut(row) {
  const block = row.parentElement;
  row.remove();
  if (!block) return;
  const next = /** @type {HTMLElement | null} */ (block.nextElementSibling);
  const count = block.childElementCount;
  if (count > 0 && count < FEW && next && next.childElementCount < BLOCK) {
    next.prepend(...block.children);
    measure(next);
  }
  if (block.childElementCount > 0) measure(block);
  else block.remove();
}

/**
 * @param {HTMLElement} row
 * @param {HTMLElement | undefined} next
 * @param {HTMLElement} grid
 */
function putBefore(row, next, grid) {
  const block = next?.parentElement ?? grid.lastElementChild;
  if (!(block instanceof HTMLElement) || block.className !== "block")
    return grid.append(blockOf([row]));
  block.insertBefore(row, next ?? null);
  if (block.childElementCount > MOST) {
    const half = [...block.children].slice(BLOCK);
    block.after(blockOf(/** @type {HTMLElement[]} */ (half)));
  }
  measure(block);
}

/** @param {EventTarget | null} target */
function rowAt(target) {
  const row = target instanceof Element ? target.closest("[data-id]") : null;
  return row instanceof HTMLElement ? row : undefined;
}

/**
 * @param {string} name
 * @param {(Node | string)[]} children
 */
function cell(name, ...children) {
  return part("span", { role: "gridcell", class: name }, ...children);
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
function part(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

customElements.define("task-list", TaskList);
