/** @import { Counts, TaskList, TaskSummary } from "../source.ts" */
/** @import { TaskState } from "../../task-history/task-record.ts" */
/** @typedef {{ t?: string, show: keyof Counts, q: string, view: "tasks" | "dead" | "hour", lang?: string }} Place */

/** Tasks that are kept in the page, as many as behind it; older ones are fetched again when somebody scrolls to them. */
const MOST = 10_000;
/** A bar of this length is full: 1,000 seconds. The scale is logarithmic. */
const FULL_MS = 1_000_000;
/** Percent of a bar. */
const LEAST = 3;
const VIEWS = ["tasks", "dead", "hour"];

/** Those that end when the task is due. @type {ReadonlySet<TaskState>} */
export const UNTIL_DUE = new Set(["delayed", "retrying", "hidden"]);

/** @type {Record<keyof Counts, ReadonlySet<TaskState> | undefined>} */
const SHOWN = {
  all: undefined,
  waiting: new Set(["delayed", "waiting", "retrying", "hidden"]),
  running: new Set(["running"]),
  failed: new Set(["failed", "dead", "hidden"]),
  dead: new Set(["dead"]),
};

/** The chips, in the order of their keys 1 to 5. */
export const SHOWS = /** @type {(keyof Counts)[]} */ (Object.keys(SHOWN));

/** The tasks that the page knows of, and which of them are listed. Has nothing to do with how they look. */
export class TaskStore {
  /** @type {Map<string, TaskSummary>} */
  #tasks = new Map();
  /** @type {TaskSummary[]} The last changed first. */
  #sorted = [];
  /** Ids that the server has found in arguments that are longer than a summary. @type {Set<string>} */
  #found = new Set();
  /** Ids that have changed since the last {@link begin}. @type {Set<string>} */
  #touched = new Set();
  /** @type {WeakMap<TaskSummary, string>} */
  #texts = new WeakMap();
  /** Whatever has last changed before has gaps. */
  #horizon = -Infinity;
  /** @type {keyof Counts} */
  #show = "all";
  #search = "";
  /** Whether older ones can be fetched. */
  more = false;

  /**
   * @param {keyof Counts} show
   * @param {string} search
   */
  filter(show, search) {
    this.#show = show;
    this.#search = search.trim().toLowerCase();
    this.#found.clear();
    this.#horizon = -Infinity;
    this.more = false;
  }

  /** Before a fetch: what changes from here on is newer than what the fetch brings. */
  begin() {
    this.#touched.clear();
  }

  /**
   * Takes changes in, never an older state after a newer one. Returns the ids of those that are news.
   *
   * @param {readonly TaskSummary[]} tasks
   * @returns {Set<string>}
   */
  put(tasks) {
    const news = new Map(tasks.filter((task) => this.#isNews(task)).map((task) => [task.id, task]));
    if (news.size === 0) return new Set();
    for (const [id, task] of news) {
      this.#tasks.set(id, task);
      this.#touched.add(id);
    }
    const others = this.#sorted.filter(({ id }) => !news.has(id));
    const changed = [...news.values()].sort(byChange);
    const last = changed.at(-1);
    const isNewest = !last || !others[0] || byChange(last, others[0]) < 0;
    this.#sorted = changed.concat(others);
    if (!isNewest) this.#sorted.sort(byChange);
    this.#forgetOldest();
    return new Set(news.keys());
  }

  /**
   * Takes the newest in, as fetched. What should be among them and is not, the server has forgotten.
   *
   * @param {TaskList} list
   */
  load({ tasks, more }) {
    const named = new Set(tasks.map(({ id }) => id));
    const newest = this.#sorted[0]?.changedAt ?? -Infinity;
    const oldest = more ? (tasks.at(-1)?.changedAt ?? -Infinity) : -Infinity;
    this.#found = named;
    const isGone = (/** @type {TaskSummary} */ task) =>
      task.changedAt > oldest &&
      !named.has(task.id) &&
      !this.#touched.has(task.id) &&
      this.#matches(task);
    for (const { id } of this.#sorted.filter(isGone)) this.#tasks.delete(id);
    this.#sorted = this.#sorted.filter(({ id }) => this.#tasks.has(id));
    this.put(tasks);
    // After a short absence the page has all in between, and what was fetched before stays in the list.
    const goesOn = this.more && more && newest >= oldest;
    this.#horizon = goesOn ? Math.min(this.#horizon, oldest) : oldest;
    this.more = more;
  }

  /** Takes in what {@link TaskStore.before} has asked for. @param {TaskList} list */
  loadOlder({ tasks, more }) {
    for (const { id } of tasks) this.#found.add(id);
    this.put(tasks);
    const oldest = tasks.at(-1)?.changedAt ?? this.#horizon;
    // As many as a page holds have changed in one millisecond: go on behind it.
    this.#horizon = oldest < this.#horizon ? oldest : this.#horizon - 1;
    this.more = more && this.#tasks.size < MOST;
  }

  /** Where the next older ones begin; those of the same millisecond come twice. */
  get before() {
    return this.#horizon + 1;
  }

  /** What is listed, the last changed first. */
  view() {
    return this.#sorted.filter((task) => task.changedAt >= this.#horizon && this.#matches(task));
  }

  /** @param {string} id */
  get(id) {
    return this.#tasks.get(id);
  }

  /** @param {TaskSummary} task */
  #isNews(task) {
    return task.changedAt >= (this.#tasks.get(task.id)?.changedAt ?? -Infinity);
  }

  /** @param {TaskSummary} task */
  #matches(task) {
    if (SHOWN[this.#show]?.has(task.state) === false) return false;
    return (
      this.#search === "" || this.#found.has(task.id) || this.#textOf(task).includes(this.#search)
    );
  }

  /** @param {TaskSummary} task */
  #textOf(task) {
    const { name, id, args, error = "" } = task;
    const known = this.#texts.get(task) ?? [name, id, args, error].join("\n").toLowerCase();
    this.#texts.set(task, known);
    return known;
  }

  #forgetOldest() {
    if (this.#sorted.length <= MOST) return;
    for (const { id } of this.#sorted.splice(MOST)) this.#tasks.delete(id);
    this.#horizon = Math.max(this.#horizon, this.#sorted[MOST - 1]?.changedAt ?? 0);
  }
}

/**
 * The last changed first; of one millisecond always in the same order.
 *
 * @param {TaskSummary} a
 * @param {TaskSummary} b
 */
function byChange(a, b) {
  return b.changedAt - a.changedAt || (a.id < b.id ? -1 : 1);
}

/**
 * What a task does now: a delay ends without anything being said.
 *
 * @param {TaskSummary} task
 * @param {number} [now]
 * @returns {TaskState}
 */
export function stateOf({ state, dueAt = Infinity }, now = Date.now()) {
  return dueAt <= now && UNTIL_DUE.has(state) ? "waiting" : state;
}

/**
 * How long a task's bar is and where its parts end, in percent: waits, of them hidden, runs.
 *
 * @param {TaskSummary} task
 */
export function barOf({ waitMs, hiddenMs = 0, runMs }) {
  const total = waitMs + runMs;
  const length = Math.min(100, (100 * Math.log10(1 + total)) / Math.log10(FULL_MS));
  const end = (/** @type {number} */ ms) => (ms > 0 ? Math.round((length * ms) / total) : 0);
  const hidden = end(waitMs);
  // A run is seen, however short.
  const ran = runMs > 0 ? Math.max(end(total), hidden + LEAST) : hidden;
  return { waited: end(waitMs - hiddenMs), hidden, ran };
}

/**
 * `12:04:31`, of another day `11-24 12:04`, in local time.
 *
 * @param {number} at
 * @param {number} [now]
 */
export function timeOf(at, now = Date.now()) {
  const date = new Date(at);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two);
  if (date.toDateString() === new Date(now).toDateString()) return clock.join(":");
  return `${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock.slice(0, 2).join(":")}`;
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, "0");
}

/**
 * What a page shows, by the address' hash: `#t=<id>&show=failed&q=pay&view=dead&lang=ru`.
 *
 * @param {string} hash
 * @returns {Place}
 */
export function readPlace(hash) {
  const {
    t,
    q = "",
    show,
    view,
    lang,
  } = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
  const place = {
    show: SHOWS.find((name) => name === show) ?? "all",
    q,
    view: /** @type {Place["view"]} */ (VIEWS.find((name) => name === view) ?? "tasks"),
  };
  return { ...place, ...(t && { t }), ...(lang && { lang }) };
}

/**
 * The hash of a place, without what is usual.
 *
 * @param {Place} place
 */
export function writePlace({ t, show, q, view, lang }) {
  const said = { t, show: show === "all" ? "" : show, q, view: view === "tasks" ? "" : view, lang };
  const named = Object.entries(said).filter(([, value]) => value);
  return `#${new URLSearchParams(/** @type {[string, string][]} */ (named))}`;
}
