import {
  findLocation,
  formatArguments,
  formatQueue,
  type QueueNames,
} from "../../../../packages/console/task-text.ts";
import { harmless } from "../../../../packages/local-cloud/support/harmless.ts";
import type {
  Attempt,
  Outcome,
  OutcomeWord,
  TaskRecord,
} from "../../../../packages/task-history/task-record.ts";
import { clip, clipStart, formatDuration, formatTime, type Paint } from "../../shell/style.ts";

const NAME_WIDTH = 26;
const ARGUMENTS_WIDTH = 24;
const LOG_LINES = 5;

const WORDS: { readonly [word in OutcomeWord]: readonly [string, "green" | "red" | "yellow"] } = {
  ok: ["ok", "green"],
  done: ["ok", "green"],
  retry: ["retry", "yellow"],
  revoked: ["revoked", "yellow"],
  failed: ["FAIL", "red"],
  back: ["FAIL", "red"],
  expired: ["EXPIRED", "red"],
  dead: ["DEAD", "red"],
};
const WORD_WIDTH = 5;

/** What an outcome's line depends on beside the task. */
export interface OutcomeContext {
  readonly paint: Paint;
  /** Folders of the projects' sources. */
  readonly roots: readonly string[];
  /** How often a queue delivers a message before it is dead, by the queue's name. */
  readonly deliveries: ReadonlyMap<string, number>;
  readonly queues: QueueNames;
  /** Whether a failing task's last log lines belong to it. */
  readonly logs: boolean;
}

/** An outcome as the terminal shows it: one line, and of a failed task its last log lines. */
export function formatOutcome(
  task: TaskRecord,
  outcome: Outcome,
  context: OutcomeContext,
): readonly string[] {
  const { paint } = context;
  const attempt = task.attempts.find(({ number }) => number === outcome.attempt);
  const [word, colour] = WORDS[outcome.word];
  const name = clipStart(harmless(task.name ?? `message ${task.id}`), NAME_WIDTH).padEnd(
    NAME_WIDTH,
  );
  const args = clip(formatArguments(task), ARGUMENTS_WIDTH).padEnd(ARGUMENTS_WIDTH);
  const parts = [
    ...(attempt ? timesOf(task, attempt) : []),
    formatQueue(task, context.queues),
    numberOf(task, outcome, attempt, context),
    reasonOf(task, outcome, attempt, context),
  ];
  const line = [
    paint("dim", formatTime(outcome.at)),
    paint(colour, word.padEnd(WORD_WIDTH)),
    `${name} ${args}`,
    parts.filter(Boolean).join("  "),
  ].join(" ");
  return [
    line.trimEnd(),
    ...(context.logs ? logLinesOf(task, outcome, attempt?.startedAt ?? 0, paint) : []),
  ];
}

/** Seconds that an attempt has waited: since the one before it, or since the task was sent. */
export function waitBefore(task: TaskRecord, attempt: Attempt): number | undefined {
  const earlier = task.attempts.filter(({ number }) => number < attempt.number).at(-1);
  const since = earlier?.endedAt ?? task.publishedAt;
  return since === undefined ? undefined : Math.max(0, attempt.startedAt - since);
}

function timesOf(task: TaskRecord, attempt: Attempt): string[] {
  const wait = waitBefore(task, attempt);
  const run = (attempt.endedAt ?? attempt.startedAt) - attempt.startedAt;
  return [wait === undefined ? "" : `wait ${formatDuration(wait)}`, `run ${formatDuration(run)}`];
}

function numberOf(
  { queue = "", dueAt }: TaskRecord,
  { word, at }: Outcome,
  attempt: Attempt | undefined,
  { deliveries }: OutcomeContext,
): string {
  const again = dueAt === undefined ? "" : `, again in ${formatDuration(Math.max(0, dueAt - at))}`;
  const limit = deliveries.get(queue);
  if (word === "dead") return limit === undefined ? "" : `after ${limit} deliveries`;
  if (attempt === undefined) return "";
  if (word === "back") {
    const of = limit === undefined ? "" : ` of ${limit}`;
    return `delivery ${attempt.delivery}${of}${again}`;
  }
  if (word === "retry") return `#${attempt.number}${again}`;
  return attempt.number > 1 ? `#${attempt.number}` : "";
}

function reasonOf(
  task: TaskRecord,
  { word }: Outcome,
  attempt: Attempt | undefined,
  { roots }: OutcomeContext,
): string {
  if (word === "ok" || word === "done" || word === "revoked") return "";
  const error = attempt?.error ?? task.error;
  if (error === undefined) return harmless(attempt?.reason ?? describeStatus(attempt?.status));
  const location = findLocation(error.traceback ?? "", roots);
  const text = error.message === "" ? error.type : `${error.type}: ${error.message}`;
  return [clip(harmless(text), 100), harmless(location ?? "")].filter(Boolean).join("  ");
}

function describeStatus(status: number | undefined): string {
  if (status === undefined) return "";
  if (status === 504) return "504: it took longer than the container's timeout";
  if (status === 502) return "502: the container did not answer";
  return `the container answered ${status}`;
}

function logLinesOf(task: TaskRecord, { word }: Outcome, since: number, paint: Paint): string[] {
  if (word !== "failed" && word !== "back") return [];
  return task.log
    .filter(({ at }) => at >= since)
    .slice(-LOG_LINES)
    .map(({ message }) => paint("dim", `         | ${clip(harmless(message), 160)}`));
}
