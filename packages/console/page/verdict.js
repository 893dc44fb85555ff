/** @typedef {import("../source.ts").Hour} Hour */
/** @typedef {import("../source.ts").Minute} Minute */
/** @typedef {"verdict.busy" | "verdict.failed" | "verdict.failing" | "verdict.ok" | "verdict.quiet" | "verdict.stuck"} Sentence */
/** @typedef {{ readonly level: "good" | "warn" | "bad" | "quiet", readonly key: Sentence, readonly values: Readonly<Record<string, number>> }} Verdict */

/** Minutes that are now. */
const RECENT = 10;
/** Fewer waiting tasks are no crowd. */
const CROWD = 10;

/**
 * Whether the system is well, in one sentence: the worst that is true of it.
 *
 * @param {Hour} hour
 * @returns {Verdict}
 */
export function verdictOf({ minutes }) {
  const recent = minutes.slice(-RECENT);
  const waiting = minutes.at(-1)?.waiting ?? 0;
  const failed = sum(minutes, "failed");
  const failing = sum(recent, "failed");
  const count = sum(minutes, "ok") + failed;
  if (isStuck(recent)) return { level: "bad", key: "verdict.stuck", values: { count: waiting } };
  if (failing > 0) return { level: "bad", key: "verdict.failing", values: { count: failing } };
  if (waiting >= CROWD && waiting > 2 * (recent[0]?.waiting ?? 0))
    return { level: "warn", key: "verdict.busy", values: { count: waiting } };
  if (failed > 0) return { level: "warn", key: "verdict.failed", values: { failed, count } };
  const isQuiet = count === 0 && minutes.every((minute) => minute.waiting + minute.running === 0);
  if (isQuiet) return { level: "quiet", key: "verdict.quiet", values: {} };
  return { level: "good", key: "verdict.ok", values: { count } };
}

/** @param {readonly Minute[]} recent */
function isStuck(recent) {
  return (
    recent.length === RECENT &&
    recent.every(({ waiting, running, ok, failed }) => waiting > 0 && running + ok + failed === 0)
  );
}

/**
 * @param {readonly Minute[]} minutes
 * @param {keyof Minute} what
 */
export function sum(minutes, what) {
  return minutes.reduce((total, minute) => total + minute[what], 0);
}

/**
 * The minute with most of something, the last one of equals, and how much it is.
 *
 * @param {readonly Minute[]} minutes
 * @param {keyof Minute} what
 */
export function peakOf(minutes, what) {
  let place = 0;
  for (const [at, minute] of minutes.entries())
    if (minute[what] >= (minutes[place]?.[what] ?? 0)) place = at;
  return { place, most: minutes[place]?.[what] ?? 0 };
}
