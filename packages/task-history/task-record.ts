/** What is known of one task, from everything that happened to its messages. */
export interface TaskRecord {
  /** Celery's id; of a message that is not Celery's, the message's. */
  readonly id: string;
  /** `undefined` for a message that is not Celery's, or when its beginning was forgotten. */
  readonly name?: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly queue?: string;
  readonly rootId?: string;
  readonly parentId?: string;
  readonly groupId?: string;
  /** The task that the page has sent again as this one. */
  readonly repeatsId?: string;
  /** ISO 8601. */
  readonly eta?: string;
  readonly expires?: string;
  readonly state: TaskState;
  /** Milliseconds since the epoch, as all times here. */
  readonly publishedAt?: number;
  readonly changedAt: number;
  /** When it can run (again), while it is delayed, retrying or hidden. */
  readonly dueAt?: number;
  /** Its executions, the last 50. */
  readonly attempts: readonly Attempt[];
  /** What it has waited for so far, the last 100 spans, in order. */
  readonly waits: readonly WaitSpan[];
  /** What it returned; of a task under way, what it says about its progress. */
  readonly result?: unknown;
  readonly error?: TaskError;
  /** What was logged while it ran, the last 50 lines. */
  readonly log: readonly LogLine[];
}

/** When what has happened to a task, without its contents. */
export interface TaskTimes
  extends Pick<TaskRecord, "name" | "state" | "publishedAt" | "changedAt" | "waits"> {
  readonly attempts: readonly Omit<Attempt, "number">[];
}

/**
 * `delayed`: for its countdown. `waiting`: for somebody to take it. `running`: a container has it.
 * `retrying`: it has failed and Celery tries again. `hidden`: its delivery has failed, and the queue
 * holds it back until it is visible again. `ok`, `failed`, `revoked`: as Celery has recorded, or the worker
 * said. `dead`: among the dead letters. `expired`: too old for the queue. `done`: away, and no more is
 * known.
 */
export type TaskState =
  | "delayed"
  | "waiting"
  | "running"
  | "retrying"
  | "hidden"
  | "ok"
  | "failed"
  | "revoked"
  | "dead"
  | "expired"
  | "done";

/** States that `--failed` shows. */
export const FAILED_STATES: ReadonlySet<TaskState> = new Set(["failed", "dead", "hidden"]);

/** One delivery of one of the task's messages. */
export interface Attempt {
  /** Counts from 1. */
  readonly number: number;
  readonly messageId: string;
  /** How often the queue has delivered this message, this time included, as far as that is known. */
  readonly delivery: number;
  readonly by: "trigger" | "client";
  readonly container?: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  /** The container's answer. */
  readonly status?: number;
  /** The worker's verdict on the message. */
  readonly outcome?: string;
  readonly reason?: string;
  /** What Celery has recorded of it. */
  readonly state?: string;
  readonly error?: TaskError;
}

/** The exception of an attempt, as Celery has stored it. */
export interface TaskError {
  /** `ConnectionError`. */
  readonly type: string;
  readonly message: string;
  readonly traceback?: string;
}

/**
 * `delay`: its countdown or the queue's delay. `retry`: Celery's pause before another attempt.
 * `hidden`: the visibility timeout after a failed delivery. `capacity`: the container was busy with
 * others. `queue`: nobody had taken it yet. `batch`: the trigger had it, and gathered more.
 */
export type WaitCause = "delay" | "retry" | "hidden" | "capacity" | "queue" | "batch";

/** A time in which a task has waited. Milliseconds since the epoch. */
export interface WaitSpan {
  readonly cause: WaitCause;
  readonly from: number;
  readonly to: number;
}

/** A line that was printed while a task ran. `at`: milliseconds since the epoch. */
export interface LogLine {
  readonly at: number;
  readonly level: "debug" | "info" | "warning" | "error";
  readonly message: string;
}

/** An attempt has ended, or the task has come to its end without one. */
export interface Outcome {
  readonly at: number;
  readonly taskId: string;
  readonly word: OutcomeWord;
  /** Number of the attempt; `undefined` when the task has ended between attempts. */
  readonly attempt?: number;
}

/**
 * How an attempt or a task has ended. `back`: the delivery has failed, and the message is back in its
 * queue. `done`: away, without a stored result.
 */
export type OutcomeWord =
  | "ok"
  | "failed"
  | "retry"
  | "back"
  | "revoked"
  | "dead"
  | "expired"
  | "done";
