import type { TaskFacts } from "./fact.ts";
import type { Attempt, TaskError, TaskState, WaitCause, WaitSpan } from "./task-record.ts";

const MAX_ATTEMPTS = 50;
const MAX_WAITS = 100;
const MAX_MESSAGES = 100;

/** An attempt while it is being followed; its number is its place. */
export type TrackedAttempt = {
  -readonly [name in keyof Attempt as Exclude<name, "number">]: Attempt[name];
};

/** What a task's facts amount to so far. */
export interface TrackedTask {
  readonly id: string;
  facts?: TaskFacts;
  queue?: string;
  publishedAt?: number;
  changedAt: number;
  /** How it has ended; a message that is still there may undo it. */
  settled?: TaskState;
  /** What it waits for in a message of which nothing is known yet. */
  awaits?: { readonly state: TaskState; readonly dueAt?: number };
  /** Attempts before those that are kept. */
  attemptsBefore: number;
  attempts: TrackedAttempt[];
  waits: WaitSpan[];
  result?: unknown;
  error?: TaskError;
  /** Those that ever carried it, by id. */
  readonly messages: Map<string, TrackedMessage>;
}

/** One message of a task. */
export interface TrackedMessage {
  readonly sentAt: number;
  queue?: string;
  /** In a queue, and not among the dead letters. */
  live: boolean;
  /** In any queue. */
  queued: boolean;
  receiveCount: number;
  /** Received, and not begun yet. */
  taken: boolean;
  /** Since when it waits. */
  waitsFrom: number;
  /** Until when it is not delivered; `undefined` where that is not known. */
  visibleAt?: number;
  /** Why. */
  cause: WaitCause;
  /** What has it at the moment, or had it last. */
  attempt?: TrackedAttempt;
}

/** A task of which nothing is known yet. */
export function newTrackedTask(id: string): TrackedTask {
  return { id, changedAt: 0, attemptsBefore: 0, attempts: [], waits: [], messages: new Map() };
}

/** The same, so that what happens to one leaves the other as it is. */
export function copyTrackedTask(task: TrackedTask): TrackedTask {
  const copies = new Map(task.attempts.map((attempt) => [attempt, { ...attempt }]));
  const messages = [...task.messages].map(([id, message]): [string, TrackedMessage] => {
    const { attempt } = message;
    return [id, { ...message, attempt: attempt && (copies.get(attempt) ?? { ...attempt }) }];
  });
  return {
    ...task,
    attempts: [...copies.values()],
    waits: [...task.waits],
    messages: new Map(messages),
  };
}

/** Follows a message; of those that are in no queue any more, the last 100 are kept. */
export function trackMessage({ messages }: TrackedTask, id: string, message: TrackedMessage): void {
  messages.delete(id);
  messages.set(id, message);
  if (messages.size <= MAX_MESSAGES) return;
  for (const [other, { queued }] of messages) {
    if (queued) continue;
    messages.delete(other);
    return;
  }
}

/** Adds an attempt; the last 50 are kept. */
export function addAttempt(task: TrackedTask, attempt: TrackedAttempt): TrackedAttempt {
  task.attempts.push(attempt);
  if (task.attempts.length > MAX_ATTEMPTS) {
    task.attempts.shift();
    task.attemptsBefore += 1;
  }
  return attempt;
}

/** A delivery that executed nothing, as of a message that was sent on for the rest of its delay. */
export function dropAttempt(task: TrackedTask, attempt: TrackedAttempt): void {
  task.attempts = task.attempts.filter((other) => other !== attempt);
}

/** Counts from 1. */
export function numberOf(task: TrackedTask, attempt: TrackedAttempt): number {
  return task.attemptsBefore + task.attempts.indexOf(attempt) + 1;
}

/** Adds what it waited for, unless that took no time; the last 100 spans are kept. */
export function addWait(task: TrackedTask, cause: WaitCause, from: number, to: number): void {
  if (to <= from) return;
  task.waits.push({ cause, from, to });
  if (task.waits.length > MAX_WAITS) task.waits.shift();
}

/** Whether something has it at the moment. */
export function isRunning({ attempt }: TrackedMessage): boolean {
  return attempt !== undefined && attempt.endedAt === undefined;
}

/** Whether nothing of it is in a queue or under way. */
export function isOver({ messages, settled, awaits }: TrackedTask): boolean {
  for (const message of messages.values()) {
    if (message.queued || isRunning(message)) return false;
  }
  return awaits === undefined || settled !== undefined;
}
