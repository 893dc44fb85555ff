import type { TaskFacts } from "./event.ts";
import type {
  Attempt,
  LogLine,
  TaskError,
  TaskRecord,
  TaskState,
  WaitCause,
  WaitSpan,
} from "./task-record.ts";

const MAX_ATTEMPTS = 50;
const MAX_WAITS = 100;
const MAX_LOG_LINES = 50;
const MAX_LINE_CHARACTERS = 4000;

type Mutable<T> = { -readonly [name in keyof T]: T[name] };

/** A task while it is being followed; `describe` makes the record that others see. */
export interface TrackedTask {
  readonly id: string;
  facts?: TaskFacts;
  queue?: string;
  publishedAt?: number;
  changedAt: number;
  /** Characters, roughly. */
  readonly weight: { published: number; stored: number };
  /** How it has ended; a message that is still there may undo it. */
  settled?: TaskState;
  attemptCount: number;
  attempts: Mutable<Attempt>[];
  waits: WaitSpan[];
  result?: unknown;
  error?: TaskError;
  log: LogLine[];
  /** Every message that ever carried it. */
  readonly messages: Map<string, TrackedMessage>;
}

/** One message of a task while it is being followed. */
export interface TrackedMessage {
  readonly taskId: string;
  queue: string;
  /** In a queue, and not among the dead letters. */
  live: boolean;
  /** In any queue. */
  queued: boolean;
  receiveCount: number;
  /** Since when it waits. */
  waitsFrom: number;
  /** Until when it is not delivered, and why. */
  visibleAt: number;
  cause: WaitCause;
  /** What has it at the moment. */
  attempt?: Mutable<Attempt>;
}

/** A task of which nothing is known yet. */
export function newTrackedTask(id: string, at: number): TrackedTask {
  return {
    id,
    changedAt: at,
    weight: { published: 0, stored: 0 },
    attemptCount: 0,
    attempts: [],
    waits: [],
    log: [],
    messages: new Map(),
  };
}

/** Adds an attempt with the next number; the last 50 are kept. */
export function addAttempt(entry: TrackedTask, attempt: Omit<Attempt, "number">): Mutable<Attempt> {
  entry.attemptCount += 1;
  const added = { ...attempt, number: entry.attemptCount };
  push(entry.attempts, added, MAX_ATTEMPTS);
  return added;
}

/** A delivery that executed nothing, as of a message that was sent on for the rest of its delay. */
export function dropAttempt(entry: TrackedTask, attempt: Attempt): void {
  entry.attemptCount -= 1;
  entry.attempts = entry.attempts.filter((other) => other !== attempt);
}

/** Ends the attempt that has a message, unless it has ended. */
export function endAttempt({ attempt }: TrackedMessage, at: number): void {
  if (attempt) attempt.endedAt ??= at;
}

/** Adds what it waited for, unless that took no time; the last 100 spans are kept. */
export function addWait(entry: TrackedTask, cause: WaitCause, from: number, to: number): void {
  if (to > from) push(entry.waits, { cause, from, to }, MAX_WAITS);
}

/** Adds a line, cut at 4,000 characters; the last 50 are kept. */
export function addLogLine(entry: TrackedTask, line: LogLine): void {
  const message = line.message.slice(0, MAX_LINE_CHARACTERS);
  push(entry.log, { ...line, message }, MAX_LOG_LINES);
}

/** Whether nothing of it is in a queue or under way. */
export function isOver({ messages }: TrackedTask): boolean {
  for (const { queued, attempt } of messages.values()) {
    if (queued || (attempt && attempt.endedAt === undefined)) return false;
  }
  return true;
}

/** The record as it stands at `now`: a delay ends without anything happening. */
export function describe(entry: TrackedTask, now: number): TaskRecord {
  const { id, facts, queue, publishedAt, changedAt, attempts, waits, result, error, log } = entry;
  const { name, args = [], kwargs = {}, rootId, parentId, groupId, eta, expires } = facts ?? {};
  const { state, dueAt } = situationOf(entry, now);
  return {
    ...{ id, name, args, kwargs, queue, state, dueAt, publishedAt, changedAt },
    ...{ rootId, parentId, groupId, eta, expires, result, error, attempts, waits, log },
  };
}

function situationOf(entry: TrackedTask, now: number): { state: TaskState; dueAt?: number } {
  const messages = [...entry.messages.values()];
  if (messages.some(({ attempt }) => attempt && attempt.endedAt === undefined)) {
    return { state: "running" };
  }
  const next = messages.filter(({ live }) => live).at(-1);
  if (entry.settled === "ok" || next === undefined) return { state: entry.settled ?? "done" };
  if (next.visibleAt <= now) return { state: "waiting" };
  return { state: STATES[next.cause] ?? "waiting", dueAt: next.visibleAt };
}

const STATES: { readonly [cause in WaitCause]?: TaskState } = {
  delay: "delayed",
  retry: "retrying",
  hidden: "hidden",
};

function push<T>(list: T[], item: T, limit: number): void {
  list.push(item);
  if (list.length > limit) list.shift();
}
