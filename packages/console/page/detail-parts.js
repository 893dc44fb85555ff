import "./value-tree.js";
import { backLink, copyButton, h, taskLink } from "./dom.js";
import { reasonOf } from "./task-story.js";
import { jsonOf, measure } from "./values.js";
import { clock, duration, language, size, t } from "./words.js";

/** @typedef {import("../source.ts").TaskDetail} Detail */
/** @typedef {import("./task-detail.js").Part} Part */

/** Longer tracebacks are folded. */
const LINES_SHOWN = 40;
/** A frame of a traceback: its line with the file, and those below that are indented more. */
const FRAME = /^ {2}File "([^"\n]*)".*(?:\n {4}.*)*/gm;
/** In the path of a file that is not the project's. */
const OF_OTHERS = /[/\\](?:site-packages|dist-packages|lib[/\\]python[\d.]+)[/\\]/;

/**
 * @param {Detail | undefined} detail
 * @returns {Part}
 */
export function headOf(detail) {
  if (!detail) return { print: "", nodes: () => [backLink(), h("p", {}, t("detail.missing"))] };
  const { id, name, state, queue, publishedAt, repeatsId } = detail.task;
  const { waitMs, runMs } = detail.summary;
  const facts = [
    queue,
    publishedAt !== undefined && clock(publishedAt),
    waitMs > 0 && t("step.waited", { time: duration(waitMs) }),
    runMs > 0 && t("step.took", { time: duration(runMs) }),
  ].filter((fact) => fact !== undefined && fact !== false);
  return {
    print: [id, name, state, facts, repeatsId],
    nodes: () => [
      backLink(),
      h("h2", { tabIndex: -1, "data-key": "name" }, name ?? t("detail.message")),
      h(
        "p",
        { className: "facts" },
        stateOf(state),
        h("span", { className: "muted" }, facts.join(" · ")),
      ),
      h(
        "p",
        { className: "id" },
        h("code", {}, id),
        copyButton("copy.id", () => id),
      ),
      repeatsId !== undefined &&
        h("p", {}, t("detail.repeats"), " ", taskLink(repeatsId, repeatsId.slice(0, 8))),
    ],
  };
}

/** @param {import("../../task-history/task-record.ts").TaskState} state */
export function stateOf(state) {
  return h("span", { className: "state", "data-state": state }, t(`is.${state}`));
}

/**
 * @param {Detail} detail
 * @returns {Part}
 */
export function errorOf({ task, location }) {
  const error = task.error ?? (task.state === "ok" ? undefined : task.attempts.at(-1)?.error);
  if (!error) return undefined;
  const { type, message, traceback } = error;
  return {
    print: [task.id, error, location],
    nodes: () => [
      h("h3", {}, t("detail.whyFailed")),
      h("p", { className: "bad text" }, `${type}: ${message}`),
      location !== undefined && h("p", {}, h("code", {}, location)),
      traceback !== undefined && tracebackOf(traceback),
    ],
  };
}

/** @param {string} traceback */
function tracebackOf(traceback) {
  const count = traceback.trimEnd().split("\n").length;
  return h(
    "details",
    { open: count <= LINES_SHOWN, "data-key": "traceback" },
    h("summary", { "data-key": "traceback summary" }, t("detail.traceback", { count })),
    copyButton("copy.traceback", () => traceback),
    h("pre", {}, ...framesOf(traceback)),
  );
}

/** Those of others step back. @param {string} traceback */
function framesOf(traceback) {
  /** @type {(string | Node)[]} */
  const parts = [];
  let end = 0;
  for (const { 0: frame, 1: path = "", index } of traceback.matchAll(FRAME)) {
    if (!OF_OTHERS.test(path)) continue;
    parts.push(traceback.slice(end, index), h("span", { className: "muted" }, frame));
    end = index + frame.length;
  }
  return [...parts, traceback.slice(end)];
}

/**
 * @param {Detail} detail
 * @returns {Part}
 */
export function waitingOf({ task, waiting }) {
  if (!waiting) return undefined;
  const due = task.dueAt === undefined ? undefined : t("step.due", { at: clock(task.dueAt) });
  return {
    print: [task.id, waiting, due],
    nodes: () => [
      h("h3", {}, t("detail.why")),
      h(
        "div",
        {},
        ...reasonOf(waiting),
        due !== undefined && h("div", { className: "muted" }, due),
      ),
    ],
  };
}

/**
 * @param {Detail} detail
 * @param {readonly string[]} actions
 * @param {{ again(): void, edit(): void }} does
 * @returns {Part}
 */
export function actionsOf({ notAgain }, actions, does) {
  const why =
    notAgain ?? (actions.includes("again") || actions.includes("run") ? undefined : t("act.none"));
  if (why !== undefined) return { print: why, nodes: () => [h("p", { className: "muted" }, why)] };
  // The second click of a double one is no second order.
  const onceAgain = (/** @type {MouseEvent} */ { detail }) => detail < 2 && does.again();
  const again = { type: "button", "data-key": "again", onclick: onceAgain };
  const edit = { type: "button", "data-key": "edit", onclick: () => does.edit() };
  return {
    print: actions,
    nodes: () => [
      actions.includes("again") && h("button", again, t("act.again")),
      actions.includes("run") && h("button", edit, t("act.edit")),
    ],
  };
}

/**
 * @param {Detail} detail
 * @returns {Part}
 */
export function argumentsOf({ task, summary, areArgumentsUnknown = false }) {
  const { id, args, kwargs } = task;
  const { bytes } = measure([args, kwargs]);
  const given = [args, kwargs].filter((some) => Object.keys(some).length > 0);
  const isPlain = Object.keys(kwargs).length === 0;
  return {
    // They do not change, and may be large.
    print: [id, summary.args, areArgumentsUnknown],
    nodes: () => [
      headingOf(
        t("detail.args"),
        given.length > 0 ? t("detail.size", { size: size(bytes) }) : "",
        given.length > 0 &&
          copyButton("copy.args", () => jsonOf(isPlain ? args : { args, kwargs })),
      ),
      given.length === 0 &&
        h("p", { className: "muted" }, t(areArgumentsUnknown ? "detail.unknown" : "detail.none")),
      ...given.map(treeOf),
    ],
  };
}

/**
 * @param {string} text
 * @param {string} about
 * @param {Node | false} button
 */
function headingOf(text, about, button) {
  return h("div", { className: "heading" }, h("h3", {}, text, " ", h("small", {}, about)), button);
}

/** @param {unknown} value */
function treeOf(value) {
  return Object.assign(document.createElement("value-tree"), { value });
}

/**
 * @param {Detail} detail
 * @returns {Part}
 */
export function resultOf({ task }) {
  const { id, result, state, changedAt } = task;
  if (result === undefined) return undefined;
  return {
    print: [id, state, changedAt],
    nodes: () => [
      headingOf(
        t("detail.result"),
        size(measure(result).bytes),
        copyButton("copy.result", () => jsonOf(result)),
      ),
      treeOf(result),
    ],
  };
}

/**
 * @param {Detail} detail
 * @returns {Part}
 */
export function logOf({ task: { id, log } }) {
  const first = log[0]?.at;
  const lines = () =>
    log.map(({ at, level, message }) =>
      h(
        "li",
        { className: level },
        h("time", {}, clock(at, language(), first)),
        h("span", { className: "level" }, level),
        h("span", { className: "text" }, message),
      ),
    );
  return {
    print: [id, log],
    nodes: () => [
      h("h3", {}, t("detail.log")),
      log.length === 0
        ? h("p", { className: "muted" }, t("detail.logEmpty"))
        : h("ol", {}, ...lines()),
    ],
  };
}
