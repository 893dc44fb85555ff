import type { TaskState, TaskTimes } from "../task-history/task-record.ts";
import type { Hour, Minute, NameTimes } from "./source.ts";
import { SHOWN } from "./summary.ts";

const MINUTE_MS = 60_000;
const MINUTES = 60;
const OK: ReadonlySet<TaskState> = new Set(["ok", "done"]);
const FAILED: ReadonlySet<TaskState> = new Set(["failed", "dead", "expired"]);

/**
 * The last hour: for each minute the most that waited or ran at a time, and the tasks that came to their
 * end in it; for each name how long its runs took that ended in it. A run that raised an exception, or
 * whose delivery failed, has failed, also where it is tried again.
 *
 * @param tasks all that have changed since then, and all that are not over; others change nothing
 */
export function hourOf(tasks: readonly TaskTimes[], now: number): Hour {
  const from = now - MINUTES * MINUTE_MS;
  const [waits, runs] = [new Spans(), new Spans()];
  for (const task of tasks) {
    addWaits(waits, task, now);
    addRuns(runs, task, now);
  }
  const [waiting, running] = [waits.highest(from), runs.highest(from)];
  const minutes: { -readonly [field in keyof Minute]: Minute[field] }[] = Array.from(
    { length: MINUTES },
    (_, place) => ({
      ...{ waiting: waiting[place] ?? 0, running: running[place] ?? 0, ok: 0, failed: 0 },
    }),
  );
  for (const task of tasks) {
    const minute = minutes[placeOf(endOf(task), from)];
    if (minute && OK.has(task.state)) minute.ok += 1;
    if (minute && FAILED.has(task.state)) minute.failed += 1;
  }
  return { from, minutes, names: timesOf(tasks, from) };
}

/** The wait that is not over is none of its waits yet. */
function addWaits(spans: Spans, task: TaskTimes, now: number): void {
  const { state, waits, attempts, publishedAt, changedAt } = task;
  for (const { from, to } of waits) spans.add(from, to);
  if (!SHOWN.waiting?.has(state)) return;
  const times = [publishedAt ?? changedAt, waits.at(-1)?.to ?? 0, attempts.at(-1)?.endedAt ?? 0];
  spans.add(Math.max(...times), now + 1);
}

function addRuns(spans: Spans, { state, attempts }: TaskTimes, now: number): void {
  for (const { startedAt, endedAt = state === "running" ? now + 1 : startedAt } of attempts) {
    spans.add(startedAt, endedAt);
  }
}

/** The minute of a time, below 0 before the first; what is a moment after the last belongs to it. */
function placeOf(at: number, from: number): number {
  return Math.min(MINUTES - 1, Math.floor((at - from) / MINUTE_MS));
}

/** Times in which something waited or ran. */
class Spans {
  private readonly begins: number[] = [];
  private readonly ends: number[] = [];

  add(begin: number, end: number): void {
    this.begins.push(begin);
    this.ends.push(end);
  }

  /** How many there were at most at a time, by minute. */
  highest(from: number): number[] {
    const highest: number[] = new Array(MINUTES).fill(0);
    // Plain numbers are sorted many times faster than objects, and a page waits for it.
    const begins = Float64Array.from(this.begins).sort();
    const ends = Float64Array.from(this.ends).sort();
    let [level, minute, ended] = [0, 0, 0];
    const reach = (at: number) => {
      const place = placeOf(at, from);
      for (; minute <= place; minute++) highest[minute] = level;
      return place;
    };
    const endUntil = (at: number) => {
      for (let end = ends[ended]; end !== undefined && end <= at; end = ends[ended]) {
        reach(end);
        level -= 1;
        ended += 1;
      }
    };
    for (const begin of begins) {
      // One that ends as another begins is not beside it.
      endUntil(begin);
      const place = reach(begin);
      level += 1;
      const most = highest[place];
      if (most !== undefined) highest[place] = Math.max(most, level);
    }
    endUntil(Number.POSITIVE_INFINITY);
    reach(Number.POSITIVE_INFINITY);
    return highest;
  }
}

function endOf({ state, attempts, changedAt }: TaskTimes): number {
  const isByQueue = state === "dead" || state === "expired";
  return (isByQueue ? undefined : attempts.at(-1)?.endedAt) ?? changedAt;
}

function timesOf(tasks: readonly TaskTimes[], from: number): NameTimes[] {
  const runs = new Map<string, { took: number[]; failed: number }>();
  for (const { name = "", attempts } of tasks) {
    for (const attempt of attempts) {
      const { startedAt, endedAt = -Infinity } = attempt;
      if (endedAt < from) continue;
      const of = runs.get(name) ?? { took: [], failed: 0 };
      runs.set(name, of);
      of.took.push(endedAt - startedAt);
      if (hasFailed(attempt)) of.failed += 1;
    }
  }
  return [...runs]
    .map(([name, { took, failed }]) => {
      took.sort((one, other) => one - other);
      const times = { medianMs: quantile(took, 0.5), p95Ms: quantile(took, 0.95) };
      return { name, count: took.length, failed, ...times };
    })
    .sort((one, other) => other.p95Ms - one.p95Ms);
}

function hasFailed({ error, state, status = 200 }: TaskTimes["attempts"][number]): boolean {
  return error !== undefined || state === "FAILURE" || status < 200 || status >= 300;
}

/** The smallest that so large a part does not exceed. */
function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}
