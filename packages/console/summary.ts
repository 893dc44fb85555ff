import {
  FAILED_STATES,
  type TaskRecord,
  type TaskState,
  type WaitSpan,
} from "../task-history/task-record.ts";
import type { Counts, FamilyMember, TaskSummary } from "./source.ts";
import { formatArguments, formatError } from "./task-text.ts";

const MAX_CHARACTERS = 200;

/** The states that each filter shows; `undefined` for all. One state may be in several. */
export const SHOWN: { readonly [show in keyof Counts]: ReadonlySet<TaskState> | undefined } = {
  all: undefined,
  waiting: new Set(["delayed", "waiting", "retrying", "hidden"]),
  running: new Set(["running"]),
  failed: FAILED_STATES,
  dead: new Set(["dead"]),
};

/** Celery's name of a queue; `undefined` where a task names none. */
export type NameQueue = (queue: string | undefined) => string | undefined;

/** A task as one row. */
export function summarize(task: TaskRecord, nameQueue: NameQueue): TaskSummary {
  const { id, name, state, publishedAt, changedAt, dueAt, rootId, waits, attempts } = task;
  const error = errorOf(task);
  const hidden = waits.filter(({ cause }) => cause === "hidden");
  return {
    ...{ id, name, args: clip(formatArguments(task, MAX_CHARACTERS + 1)) },
    ...{ queue: nameQueue(task.queue), state, publishedAt, changedAt, dueAt, rootId },
    attempts: attempts.at(-1)?.number ?? 0,
    waitMs: lengthOf(waits),
    ...(hidden.length > 0 && { hiddenMs: lengthOf(hidden) }),
    runMs: sum(attempts.map(({ startedAt, endedAt = startedAt }) => endedAt - startedAt)),
    ...(error !== undefined && { error: clip(error) }),
  };
}

/** A task as one of its family. */
export function summarizeMember(task: TaskRecord, nameQueue: NameQueue): FamilyMember {
  const { parentId, groupId } = task;
  return { ...summarize(task, nameQueue), parentId, groupId };
}

/** How many tasks each filter shows, by how many are in which state. */
export function countShown(states: ReadonlyMap<TaskState, number>): Counts {
  const count = (show: keyof Counts) =>
    sum([...states].map(([state, number]) => (SHOWN[show]?.has(state) === false ? 0 : number)));
  return {
    ...{ all: count("all"), waiting: count("waiting"), running: count("running") },
    ...{ failed: count("failed"), dead: count("dead") },
  };
}

/** The exception; where a delivery has failed without one, the worker's reason. */
function errorOf({ error, state, attempts }: TaskRecord): string | undefined {
  if (error) return formatError(error);
  return FAILED_STATES.has(state) ? attempts.at(-1)?.reason : undefined;
}

function lengthOf(waits: readonly WaitSpan[]): number {
  return sum(waits.map(({ from, to }) => to - from));
}

function clip(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS - 1)}…`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
