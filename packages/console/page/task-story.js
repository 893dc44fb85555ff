import { h } from "./dom.js";
import { hasFailed, partsOf } from "./timeline.js";
import { clock, duration, language, t } from "./words.js";

/** @typedef {import("../source.ts").Step} Step */
/** @typedef {import("../source.ts").Reason} Reason */

/** What happened to a task: a bar, and each step in words. */
export class TaskStory extends HTMLElement {
  /** @type {readonly Step[]} */
  #steps = [];
  /** @type {string | undefined} */
  #location;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {Pick<import("../source.ts").TaskDetail, "steps" | "location">} detail */
  set story({ steps, location }) {
    this.#steps = steps;
    this.#location = location;
    this.show();
  }

  connectedCallback() {
    this.#timer = setInterval(() => {
      if (this.#steps.some(isRunning)) this.show();
    }, 1000);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  show() {
    const now = Date.now();
    // The day is said where it is another one than the first.
    const start = this.#steps[0]?.at;
    const failed = this.#steps
      .filter((step) => step.kind === "ran" && hasFailed(step.attempt))
      .at(-1);
    const steps = this.#steps.map((step) =>
      h(
        "li",
        { className: step.kind },
        h("time", { dateTime: new Date(step.at).toISOString() }, clock(step.at, language(), start)),
        h("div", {}, ...wordsOf(step, now), step === failed && placeOf(this.#location)),
      ),
    );
    this.replaceChildren(barOf(this.#steps, now), h("ol", {}, ...steps));
  }
}

/** @param {Step} step */
function isRunning(step) {
  return step.kind === "ran" && step.attempt.endedAt === undefined;
}

/**
 * Drawn for the eye alone: the steps say all of it.
 *
 * @param {readonly Step[]} steps
 * @param {number} now
 */
function barOf(steps, now) {
  const bar = h("div", { className: "bar", "aria-hidden": "true" });
  for (const { kind, ms, isBreak, failed } of partsOf(steps, now)) {
    const part = h("span", {
      className: `${kind}${failed ? " failed" : ""}${isBreak ? " break" : ""}`,
    });
    if (isBreak) part.textContent = duration(ms);
    else part.style.flexGrow = String(ms);
    part.title = kind === "unknown" ? t("step.gap", { time: duration(ms) }) : duration(ms);
    bar.append(part);
  }
  return bar;
}

/** @param {string | undefined} location */
function placeOf(location) {
  return location !== undefined && h("div", {}, h("code", {}, location));
}

/**
 * @param {Step} step
 * @param {number} now
 * @returns {(Node | string | false)[]}
 */
function wordsOf(step, now) {
  switch (step.kind) {
    case "sent":
      return [step.queue === undefined ? t("step.sent") : t("step.sentTo", { queue: step.queue })];
    case "waited":
      return [
        t("step.waited", { time: duration(step.to - step.from) }),
        ": ",
        ...reasonOf(step.reason),
      ];
    case "ran":
      return attemptOf(step.attempt, now);
    case "ended":
      return [t("step.ended", { state: t(`is.${step.state}`) })];
  }
}

/**
 * Why a task waits, with the fields of config.ts that decide it.
 *
 * @param {Reason} reason
 * @returns {(Node | string | false)[]}
 */
export function reasonOf({ cause, fields, mayRunTwice = false }) {
  const [before = "", after = ""] = t("wait.field", { field: "\n" }).split("\n");
  const names = fields.flatMap((field, place) => [place > 0 && ", ", h("code", {}, field)]);
  return [
    t(`wait.${cause}`),
    fields.length > 0 && h("div", { className: "muted" }, before, ...names, after),
    mayRunTwice && h("div", { className: "warning" }, t("step.twice")),
  ];
}

/**
 * @param {import("../../task-history/task-record.ts").Attempt} attempt
 * @param {number} now
 */
function attemptOf(attempt, now) {
  const { number: count, container, startedAt, endedAt, error, status, outcome, reason } = attempt;
  const time = duration(Math.max(0, (endedAt ?? now) - startedAt));
  const heading =
    container === undefined
      ? t("step.attempt", { count })
      : t("step.attemptIn", { count, container });
  const facts = [
    endedAt === undefined ? t("step.running", { time }) : t("step.took", { time }),
    status !== undefined && t("step.answer", { status: String(status) }),
    [outcome, reason].filter((word) => word !== undefined).join(": "),
    attempt.delivery > 1 && t("step.delivery", { count: attempt.delivery }),
    attempt.by === "client" && t("step.client"),
  ].filter((fact) => fact !== false && fact !== "");
  const isBad = hasFailed(attempt);
  return [
    h("strong", { className: isBad ? "bad" : undefined }, heading),
    h("span", { className: "muted" }, ` ${facts.join(" · ")}`),
    error !== undefined && h("div", { className: "bad text" }, `${error.type}: ${error.message}`),
  ];
}

customElements.define("task-story", TaskStory);
