import { act, ask, copy, follow } from "./api.js";
import "./cloud-panel.js";
import { harmless } from "./harmless.js";
import { readPlace, SHOWS, TaskStore, timeOf, writePlace } from "./store.js";
import "./task-list.js";
import { language, t } from "./words.js";

/** @import { Action, Counts, DeadLetterGroup, Hour, Overview, TaskDetail, TaskList, TaskSummary } from "../source.ts" */
/** @import { CloudPanel } from "./cloud-panel.js" */
/** @import { Place } from "./store.js" */
/** @import { Key } from "./words.js" */
/** @import { TaskList as List } from "./task-list.js" */

/** A page of the list: the server's own limit. */
const LIMIT = 500;
/** The first one: what a screen holds. */
const FIRST_LIMIT = 50;
const TYPING_MS = 200;
const REFRESH_MS = 1000;
/** A message stays long enough to be read twice. */
const SAID_MS = 12_000;
/** One task of Celery's own, which every application has. */
const TASK = "from celery import current_app; current_app.send_task('celery.accumulate', [1, 2])";
/** Elements that are fetched when they are first needed. */
const VIEWS = {
  dead: { name: "dead-letters", path: "/dead-letters" },
  hour: { name: "last-hour", path: "/hour" },
};

const store = new TaskStore();
const list = /** @type {List} */ (find("task-list"));
const panel = /** @type {CloudPanel} */ (find("cloud-panel"));
const search = /** @type {HTMLInputElement} */ (find("#find"));
/** @type {Overview | undefined} */
let overview;
/** @type {Place} */
let place = readPlace(location.hash);
/** @type {number | undefined} */
let lastSeen;
let isLoaded = false;
let asked = 0;
/** The list whose older tasks are being fetched. */
let loadingOlder = -1;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let silencing;

// --- What is shown ---

/** Shows what the address says. @param {Place} next */
function goTo(next) {
  const isTyping = next.q !== place.q;
  const isOther = isTyping || next.show !== place.show;
  const isOpened = next.t !== place.t;
  const isView = next.view !== place.view;
  if (next.lang !== place.lang) return location.reload();
  place = next;
  remember();
  showPlace();
  if (isOther) attempt(showOtherTasks(isTyping));
  if (isOpened) attempt(showDetail());
  if (isView) attempt(showView());
}

/** @param {Partial<Place>} change @param {boolean} [isStep] whether the way back leaves it out */
function go(change, isStep) {
  const next = { ...place, ...change };
  history[isStep ? "replaceState" : "pushState"](null, "", writePlace(next));
  goTo(next);
}

function showPlace() {
  if (document.activeElement !== search) search.value = place.q;
  for (const link of document.querySelectorAll("a[data-view]")) {
    const view = /** @type {Place["view"]} */ (link.getAttribute("data-view"));
    link.setAttribute("href", writePlace({ ...place, view, t: undefined }));
    if (view === place.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const chip of document.querySelectorAll("#shows input"))
    if (chip instanceof HTMLInputElement) chip.checked = chip.value === place.show;
  find("#tasks").hidden = place.view !== "tasks";
  find("#other").hidden = place.view === "tasks";
  list.selected = place.t ?? "";
}

/** @param {Overview} now */
function showOverview(now) {
  const isFirst = overview === undefined;
  overview = now;
  const { title, stage, source, counts } = now;
  document.title = `${counts.failed > 0 ? `(${counts.failed}) ` : ""}${harmless(title)}`;
  find("#title").replaceChildren(
    element("bdi", "", harmless(title)),
    element("small", "", stage ?? source),
  );
  panel.overview = now;
  for (const show of SHOWS) find(`#shows [data-count=${show}]`).textContent = String(counts[show]);
  if (isFirst) recall();
  showPlace();
  showEmpty();
  for (const element of document.querySelectorAll("task-detail, dead-letters, last-hour"))
    Object.assign(element, { overview });
}

/** @param {boolean} [isOther] whether it is another list */
function showTasks(isOther) {
  const tasks = store.view();
  list.more = store.more;
  list.show(tasks, isOther);
  if (isOther) list.selected = place.t ?? "";
}

let isSoon = false;

/** With the next frame, however much comes until then. */
function showSoon() {
  if (isSoon) return;
  isSoon = true;
  requestAnimationFrame(() => {
    isSoon = false;
    showTasks();
  });
}

/** What is known at once, the rest as soon as it comes. @param {boolean} isTyping */
async function showOtherTasks(isTyping) {
  const mine = ++asked;
  store.filter(place.show, place.q);
  showTasks(true);
  showEmpty();
  await later(isTyping ? TYPING_MS : 0);
  if (mine === asked) await loadTasks();
}

async function loadTasks() {
  const mine = ++asked;
  store.begin();
  const limit = isLoaded ? LIMIT : FIRST_LIMIT;
  const loaded = /** @type {TaskList} */ (await ask(`/tasks?${query(limit)}`));
  if (mine !== asked) return;
  store.load(loaded);
  isLoaded = true;
  showEmpty();
  showTasks();
}

async function loadOlder() {
  const mine = asked;
  if (loadingOlder === mine) return;
  loadingOlder = mine;
  try {
    const path = `/tasks?${query(LIMIT)}&before=${store.before}`;
    const loaded = /** @type {TaskList} */ (await ask(path));
    if (mine !== asked) return;
    store.loadOlder(loaded);
  } finally {
    if (loadingOlder === mine) loadingOlder = -1;
  }
  showTasks();
}

/** @param {number} limit */
function query(limit) {
  return String(new URLSearchParams({ show: place.show, search: place.q, limit: String(limit) }));
}

/** The empty list: how to start a task, or how to see others. */
function showEmpty() {
  if (!isLoaded || !overview) return;
  const isFirst = overview.counts.all === 0;
  const from = isFirst ? "first" : "filtered";
  if (list.dataset.empty === from) return;
  list.dataset.empty = from;
  if (isFirst) {
    const command = `${commandOf(overview)} shell -c "${TASK}"`;
    const copy = button(t("act.copy"), () => copyText(copy, command));
    copy.setAttribute("aria-label", t("empty.copy"));
    const line = element("div", "command", element("code", "", command), copy);
    list.empty = [element("h2", "", t("empty.first")), element("p", "", t("empty.how")), line];
  } else {
    const all = button(t("empty.all"), () => go({ show: "all", q: "" }));
    list.empty = [element("h2", "", t("empty.filtered")), all];
  }
}

/** @param {Overview} overview */
function commandOf({ source, stage }) {
  return source === "local" ? "npm run local -- manage" : `npm run manage -- --stage ${stage}`;
}

/** @param {HTMLElement} from @param {string} text */
async function copyText(from, text) {
  from.textContent = t(await copy(text));
}

// --- The task that is opened, and the other views ---

let openings = 0;

/** @param {boolean} [isFocused] whether the keyboard goes there */
async function showDetail(isFocused) {
  const mine = ++openings;
  const { t: id } = place;
  const host = find("#detail");
  host.hidden = id === undefined;
  if (id === undefined) return host.replaceChildren();
  await load("task-detail");
  const detail = await ask(`/tasks/${encodeURIComponent(id)}`).catch((error) => {
    if (error.status !== 404) throw error;
  });
  if (mine !== openings) return;
  const shown = host.firstElementChild ?? host.appendChild(document.createElement("task-detail"));
  Object.assign(shown, { overview, detail: /** @type {TaskDetail | undefined} */ (detail) });
  const title = host.querySelector("h2");
  if (isFocused) (title instanceof HTMLElement ? title : host).focus();
}

async function showView() {
  const { view } = place;
  if (view === "tasks") return find("#other").replaceChildren();
  const { name, path } = VIEWS[view];
  await load(name);
  const answer = /** @type {Hour | { groups: DeadLetterGroup[] }} */ (await ask(path));
  if (place.view !== view) return;
  const host = find("#other");
  if (host.firstElementChild?.localName !== name)
    host.replaceChildren(document.createElement(name));
  const values = "groups" in answer ? answer : { hour: answer };
  Object.assign(/** @type {Element} */ (host.firstElementChild), { overview, ...values });
}

/** @type {Promise<unknown> | undefined} */
let styles;

/** Fetches an element, and the looks of all that are not on the first page. @param {string} name */
async function load(name) {
  styles ??= new Promise((resolve) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet" });
    link.onload = resolve;
    link.onerror = resolve;
    link.href = "/page/detail.css";
    document.head.append(link);
  });
  await Promise.all([styles, import(`./${name}.js`)]);
}

const refreshView = atMostEvery(REFRESH_MS, () => attempt(showView()));
const refreshDetail = atMostEvery(REFRESH_MS / 4, () => attempt(showDetail()));

/** @param {readonly TaskSummary[]} tasks */
function refreshWhatIsOpen(tasks) {
  if (place.view !== "tasks") refreshView();
  if (place.t === undefined) return;
  const root = store.get(place.t)?.rootId ?? place.t;
  if (tasks.some(({ id, rootId }) => id === place.t || rootId === root)) refreshDetail();
}

// --- What the stream says ---

/** @type {import("./api.js").Listener} */
const listener = {
  open: () => attempt(reload()),
  lost: showLost,
  ping: showLive,
  tasks: (tasks) => {
    showLive();
    if (store.put(tasks).size > 0 && isLoaded) showSoon();
    refreshWhatIsOpen(tasks);
  },
  overview: (now) => {
    showLive();
    showOverview(now);
  },
};

async function reload() {
  const { show, q } = place;
  const loading = loadTasks();
  loading.catch(() => {});
  showOverview(await ask(""));
  // The first overview may bring back the list that was seen last.
  await (show === place.show && q === place.q ? loading : loadTasks());
  showLive();
  await Promise.all([showDetail(), showView()]);
}

function showLive() {
  lastSeen = Date.now();
  setText(find("#live"), t(overview?.paused ? "live.paused" : "live.on"));
  find("#live").dataset.is = "live";
  find("#lost").hidden = true;
}

function showLost() {
  const at = lastSeen === undefined ? "" : timeOf(lastSeen);
  setText(find("#live"), "");
  find("#live").dataset.is = "lost";
  find("#lost").hidden = false;
  setText(find("#lost"), at ? t("live.lost", { at }) : t("live.never"));
}

// --- What people do ---

/** @param {Action} action */
async function perform(action) {
  const { id, message } = await act(action);
  say(message);
  showOverview(await ask(""));
  if (id !== undefined) go({ t: id, view: "tasks" });
  else await Promise.all([showDetail(), showView()]);
}

/** @param {{ id: string, by?: string }} choice */
function select({ id, by }) {
  if (id !== place.t || place.view !== "tasks") go({ t: id, view: "tasks" }, by === "step");
  if (by === "enter") attempt(showDetail(true));
}

function close() {
  go({ t: undefined });
  list.step(0);
}

/** @param {string} key */
function press(key) {
  if (key === "Escape") return leave();
  if (key === "j") return list.step(1);
  if (key === "k") return list.step(-1);
  if (key === "n") return list.showNew();
  if (key === "r" || key === "e") return clickDetail(key === "r" ? "again" : "edit");
  // Every other key is that of an element that says so.
  const named = /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll(`[aria-keyshortcuts="${CSS.escape(key)}"]`)
  );
  const wanted = [...named].find((element) => element.checkVisibility());
  if (wanted === search) search.select();
  else wanted?.click();
  return wanted !== undefined;
}

/** @param {string} name */
function clickDetail(name) {
  const wanted = document.querySelector(`task-detail button[data-key=${name}]`);
  if (wanted instanceof HTMLElement) wanted.click();
  return wanted !== null;
}

function leave() {
  const { activeElement } = document;
  if (activeElement === search) list.step(0);
  // What was typed stays.
  else if (activeElement instanceof HTMLTextAreaElement) find("task-detail h2").focus();
  else if (place.t !== undefined) close();
}

/**
 * The key as on a Latin keyboard: `о` of a Russian one is where `j` is.
 *
 * @param {KeyboardEvent} event
 */
function keyOf({ key, code, shiftKey }) {
  if (code === "Slash" && /^[.,]$/.test(key)) return shiftKey ? "?" : "/";
  if (!/^\p{L}$/u.test(key) || /^[a-z]$/i.test(key)) return key;
  const letter = code.replace(/^Key/, "");
  return shiftKey ? letter : letter.toLowerCase();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const { target, defaultPrevented, ctrlKey, metaKey, altKey } = event;
  if (defaultPrevented || ctrlKey || metaKey || altKey || find("#keys").hasAttribute("open"))
    return;
  const isTyping =
    target instanceof Element &&
    target.closest("textarea, select, input:not([type=radio], [type=checkbox])");
  if (isTyping && event.key !== "Escape") return;
  if (press(keyOf(event)) !== false) event.preventDefault();
}

async function showHelp() {
  const { fillHelp } = await import("./help.js");
  const dialog = /** @type {HTMLDialogElement} */ (find("#keys"));
  fillHelp(dialog);
  dialog.showModal();
}

// --- Small things ---

/** Keeps what the page of this project shows, but for the task. */
function remember() {
  if (!overview) return;
  // A browser may forbid it.
  try {
    localStorage.setItem(memoryOf(overview), writePlace({ ...place, t: undefined }));
  } catch {}
}

/** Goes to where the page of this project was, unless its address says where to. */
function recall() {
  if (!overview || location.hash.length > 1) return;
  try {
    const hash = localStorage.getItem(memoryOf(overview)) ?? "";
    place = readPlace(hash);
    if (hash.length > 1) history.replaceState(null, "", hash);
  } catch {}
  store.filter(place.show, place.q);
  showPlace();
}

/** @param {Overview} overview */
function memoryOf({ title, stage = "" }) {
  return `console ${title} ${stage}`;
}

/** @param {string} text */
function say(text) {
  const said = find("#said");
  said.dataset.is = "";
  said.textContent = harmless(text);
  clearTimeout(silencing);
  silencing = setTimeout(() => said.replaceChildren(), SAID_MS);
}

/** What went wrong stays. @param {unknown} error @returns {undefined} */
function sayError(error) {
  // That nobody answers, the stream says.
  if (error instanceof TypeError && !navigator.onLine) return;
  say(error instanceof Error ? error.message : String(error));
  clearTimeout(silencing);
  find("#said").dataset.is = "error";
}

/** @param {Promise<unknown>} promise */
function attempt(promise) {
  promise.catch(sayError);
}

/**
 * Calls at once, and once more after a while when it was wanted again.
 *
 * @param {number} ms
 * @param {() => void} call
 */
function atMostEvery(ms, call) {
  let isWaiting = false;
  let isWanted = false;
  const run = () => {
    isWanted = isWaiting;
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      if (isWanted) run();
    }, ms);
    call();
  };
  return run;
}

/** @param {number} ms */
function later(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {string} selector @returns {HTMLElement} */
function find(selector) {
  const element = document.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`No ${selector} in index.html.`);
  return element;
}

/** @param {HTMLElement} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {(Node | string)[]} children
 */
function element(tag, className, ...children) {
  const made = Object.assign(document.createElement(tag), { className });
  made.append(...children);
  return made;
}

/** @param {string} text @param {() => unknown} onclick */
function button(text, onclick) {
  return Object.assign(document.createElement("button"), {
    type: "button",
    textContent: text,
    onclick,
  });
}

// --- Start ---

document.documentElement.lang = language();
for (const each of document.querySelectorAll("[data-t]"))
  each.textContent = t(/** @type {Key} */ (each.getAttribute("data-t")));
for (const each of document.querySelectorAll("[data-t-label]"))
  each.setAttribute("aria-label", t(/** @type {Key} */ (each.getAttribute("data-t-label"))));
search.placeholder = `${t("list.find")}  /`;
search.setAttribute("aria-label", t("list.find"));
find("#live").textContent = t("live.connecting");
find("#shows").append(...SHOWS.map(chipOf));
store.filter(place.show, place.q);
showPlace();

search.oninput = () => go({ q: search.value }, place.q !== "");
search.onkeydown = (/** @type {KeyboardEvent} */ { key }) => {
  if (key === "Enter") list.step(0);
};
find("#help").onclick = () => attempt(showHelp());
list.latest = (/** @type {string} */ id) => store.get(id);
setInterval(() => list.tick(), REFRESH_MS);
list.addEventListener("console-older", () => attempt(loadOlder()));
document.addEventListener("console-select", (event) => select(detailOf(event)));
document.addEventListener("console-action", (event) => attempt(perform(detailOf(event))));
document.addEventListener("console-close", close);
document.addEventListener("keydown", onKey);
addEventListener("popstate", () => goTo(readPlace(location.hash)));
follow(listener);

/** @param {Event} event */
function detailOf(event) {
  return /** @type {CustomEvent} */ (event).detail;
}

/** @param {keyof Counts} show @param {number} place */
function chipOf(show, place) {
  const input = Object.assign(document.createElement("input"), {
    type: "radio",
    name: "show",
    value: show,
  });
  input.setAttribute("aria-keyshortcuts", String(place + 1));
  input.onchange = () => go({ show, view: "tasks" });
  const count = element("b", "");
  count.dataset.count = show;
  return element("label", "", input, element("span", "", t(`show.${show}`), " ", count));
}
