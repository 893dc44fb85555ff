/** @typedef {import("../source.ts").Step} Step */
/**
 * A part of the bar: a run, a wait, a wait of what is held back, or a time of which nothing is known.
 * A break is not drawn to scale, and says how long it is.
 *
 * @typedef {object} Part
 * @property {"ran" | "waited" | "hidden" | "unknown"} kind
 * @property {number} ms
 * @property {boolean} isBreak
 * @property {boolean} failed
 */

/** A gap of more milliseconds is a break: else it would be all that can be seen. */
export const GAP = 2000;

/**
 * The bar of what happened, from the first step to the last.
 *
 * @param {readonly Step[]} steps
 * @param {number} now for what is not over yet
 * @returns {Part[]}
 */
export function partsOf(steps, now) {
  /** @type {Part[]} */
  const parts = [];
  let until = steps[0]?.at ?? now;
  for (const step of steps) {
    const { from, to } = spanOf(step, now);
    if (from - until > 0) parts.push(gap("unknown", from - until));
    const ms = to - Math.max(from, until);
    if (step.kind === "ran")
      parts.push({
        kind: "ran",
        ms: Math.max(0, ms),
        isBreak: false,
        failed: hasFailed(step.attempt),
      });
    else if (ms > 0) parts.push(gap(isHidden(step) ? "hidden" : "waited", ms));
    until = Math.max(until, to);
  }
  return parts;
}

/** @param {Step} step */
function isHidden(step) {
  return step.kind === "waited" && step.cause === "hidden";
}

/**
 * @param {Step} step
 * @param {number} now
 */
function spanOf(step, now) {
  if (step.kind === "waited") return { from: step.from, to: step.to };
  if (step.kind !== "ran") return { from: step.at, to: step.at };
  return {
    from: step.attempt.startedAt,
    to: step.attempt.endedAt ?? Math.max(now, step.attempt.startedAt),
  };
}

/**
 * @param {"waited" | "hidden" | "unknown"} kind
 * @param {number} ms
 * @returns {Part}
 */
function gap(kind, ms) {
  return { kind, ms, isBreak: ms > GAP, failed: false };
}

/**
 * Whether an attempt has ended with anything but success.
 *
 * @param {import("../../task-history/task-record.ts").Attempt} attempt
 */
export function hasFailed({ error, status, outcome, state }) {
  if (error !== undefined || state === "FAILURE" || state === "RETRY") return true;
  if (outcome === "retry_later" || outcome === "dead") return true;
  return status !== undefined && status >= 300;
}
