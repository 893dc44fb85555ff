import type { LogLine, TaskError } from "./task-record.ts";

/**
 * One thing that is known to have happened to a task. A source tells what it knows: facts may come in
 * any order and any number of times, and what they amount to is the same.
 *
 * All times are milliseconds since the epoch.
 */
export type Fact = FactStamp &
  (Sent | Received | Started | Raised | Ended | Stored | Hidden | Dead | Gone | Stopped | Logged);

/** What every fact has. */
export interface FactStamp {
  /** The same fact has the same id, however often and from wherever it is read. */
  readonly id: string;
  readonly at: number;
  /** Of facts of one millisecond, the order in which they happened. @default 0 */
  readonly order?: number;
  /** Absent where only the message is known: another fact names the task of it, or it is none of Celery's. */
  readonly taskId?: string;
  readonly messageId?: string;
}

/** What a message of Celery says about its task. */
export interface TaskFacts {
  readonly id: string;
  readonly name: string;
  /** Absent where the source does not tell. */
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Retries before this one, 0 at first. */
  readonly retries: number;
  readonly rootId?: string;
  readonly parentId?: string;
  readonly groupId?: string;
  /** The task that the page has sent again as this one. */
  readonly repeatsId?: string;
  /** ISO 8601. */
  readonly eta?: string;
  readonly expires?: string;
}

/** A message has come into its queue. */
export interface Sent {
  readonly kind: "sent";
  readonly messageId: string;
  readonly queue?: string;
  /** When it was, where that was before the fact itself. @default - `at` */
  readonly sentAt?: number;
  /** Hidden for so long at first; absent where only the task tells. */
  readonly delaySeconds?: number;
  /** Of the message. */
  readonly bytes?: number;
  readonly task?: TaskFacts;
}

/** A message was handed to a trigger or a client. */
export interface Received {
  readonly kind: "received";
  readonly messageId: string;
  readonly queue?: string;
  /** Counts from 1; absent where the source does not tell. */
  readonly delivery?: number;
  /** When it can be received again unless it is deleted. */
  readonly visibleAt?: number;
  /** Since when whoever takes messages from this queue had been busy with others without a pause. */
  readonly busyFrom?: number;
  /** Until when. */
  readonly busyUntil?: number;
}

/** The code began to run. */
export interface Started {
  readonly kind: "started";
  readonly messageId: string;
  readonly by: "trigger" | "client";
  readonly container?: string;
  /** As of {@link Received}, where that is not known by itself. */
  readonly delivery?: number;
}

/** An attempt has ended. */
export interface Ended {
  readonly kind: "ended";
  readonly messageId: string;
  /** The container's answer; absent where only the worker's verdict is known. */
  readonly status?: number;
  /** The worker's verdict on the message (docs/worker.md, "Responses"). */
  readonly outcome?: string;
  readonly reason?: string;
  /** Celery's state. */
  readonly state?: string;
  /** Why it has failed or is tried again, as far as that is known by itself. */
  readonly error?: TaskError;
  /** When it will run (again): of a retry, or of a task that was only sent on for the rest of its delay. */
  readonly dueAt?: number;
}

/** The code has raised an exception. */
export interface Raised {
  readonly kind: "raised";
  readonly taskId: string;
  readonly error: TaskError;
}

/** Celery has recorded a state. */
export interface Stored {
  readonly kind: "stored";
  readonly taskId: string;
  /** SUCCESS, FAILURE, RETRY, STARTED, REVOKED or a project's own. */
  readonly state: string;
  readonly result?: unknown;
  readonly error?: TaskError;
}

/** A received message was given back or held longer. */
export interface Hidden {
  readonly kind: "hidden";
  readonly messageId: string;
  readonly visibleAt: number;
}

/** A message was moved to the dead-letter queue. */
export interface Dead {
  readonly kind: "dead";
  readonly messageId: string;
  readonly queue?: string;
  readonly deadLetterQueue: string;
  readonly delivery?: number;
}

/** A message has left the queue: deleted, or too old. */
export interface Gone {
  readonly kind: "deleted" | "expired";
  readonly messageId: string;
}

/** Whatever had the task or its messages has ended, as at a restart: nothing of it is under way. */
export interface Stopped {
  readonly kind: "stopped";
  readonly taskId: string;
}

/** A line was printed while the task ran. */
export interface Logged extends Omit<LogLine, "at"> {
  readonly kind: "logged";
}

/** A fact that is more than a line of a log. */
export type StateFact = Exclude<Fact, Logged>;

/** Kinds that say enough for a task to be shown; the rest adds to what another fact has begun. */
const BEGINNINGS: ReadonlySet<Fact["kind"]> = new Set([
  ...(["sent", "received", "started", "stored", "dead"] as const),
]);

/** Whether a task of which only this is known is worth a line. */
export function isBeginning({ kind }: Fact): boolean {
  return BEGINNINGS.has(kind);
}

/** The task that a fact names by itself. */
export function namedTask(fact: Fact): string | undefined {
  return fact.taskId ?? (fact.kind === "sent" ? fact.task?.id : undefined);
}

/** The order in which things happened; the same for the same facts, whatever came first. */
export function compareFacts(one: Fact, other: Fact): number {
  return (
    one.at - other.at ||
    (one.order ?? 0) - (other.order ?? 0) ||
    (one.id < other.id ? -1 : Number(one.id > other.id))
  );
}
