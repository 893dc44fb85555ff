import type {
  Attempt,
  TaskError,
  TaskRecord,
  TaskState,
  WaitSpan,
} from "../task-history/task-record.ts";

/**
 * What the page shows and does, whichever cloud is behind it: the local one, or a deployed stage.
 *
 * All times are milliseconds since the epoch, as in the task records.
 */
export interface ConsoleSource {
  overview(): Promise<Overview>;
  /** The last changed first. */
  tasks(filter: ListFilter): Promise<TaskList>;
  /** Of these tasks, in any order; those that are not known are left out. */
  summaries(ids: readonly string[]): Promise<readonly TaskSummary[]>;
  /** `undefined` when it is not known, or no longer kept. */
  task(id: string): Promise<TaskDetail | undefined>;
  deadLetters(): Promise<readonly DeadLetterGroup[]>;
  hour(): Promise<Hour>;
  /** Has ids of tasks that have changed passed on, until the returned function is called. */
  subscribe(listener: (ids: readonly string[]) => void): () => void;
  /** Does something; each by the code of its command. A person reads what it throws. */
  act(action: Action): Promise<ActionResult>;
}

/** What runs here, for the left side of the page. */
export interface Overview {
  /** Name of the project. */
  readonly title: string;
  readonly source: "local" | "stage";
  /** Of a deployed stage. */
  readonly stage?: string;
  /** What the page may do; of a stage nothing, unless it was opened with `--act`. */
  readonly actions: readonly ActionKind[];
  readonly paused: boolean;
  /** What its tasks may be too old or too few for, in words: how far back the log was read. */
  readonly note?: string;
  readonly counts: Counts;
  readonly containers: readonly ContainerView[];
  readonly queues: readonly QueueView[];
  readonly timers: readonly TimerView[];
}

/** Of all tasks that are kept. */
export interface Counts {
  readonly all: number;
  readonly waiting: number;
  readonly running: number;
  readonly failed: number;
  readonly dead: number;
}

export interface ContainerView {
  readonly name: string;
  /** As the local cloud calls it: `running`, `crashed`; of a stage `deployed`. */
  readonly state: string;
  readonly busy?: number;
  readonly concurrency?: number;
  readonly memoryBytes?: number;
  readonly memoryLimitBytes?: number;
  readonly pid?: number;
}

export interface QueueView {
  /** Celery's name. */
  readonly name: string;
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
  readonly dead: number;
}

export interface TimerView {
  readonly name: string;
  /** Its cron expression. */
  readonly schedule: string;
  readonly nextAt?: number;
  /** Status of the last answer. */
  readonly lastStatus?: number;
}

/** Which tasks are listed. */
export interface ListFilter {
  /** @default all */
  readonly show?: keyof Counts;
  /** Substring of name, id or arguments, in any case. */
  readonly search?: string;
  /** Tasks that have last changed before. */
  readonly before?: number;
  /** @default 500 */
  readonly limit?: number;
}

export interface TaskList {
  readonly tasks: readonly TaskSummary[];
  /** Whether older ones are kept that the limit has cut off. */
  readonly more: boolean;
}

/** One row. */
export interface TaskSummary {
  readonly id: string;
  readonly name?: string;
  /** The arguments in one line, at most 200 characters. */
  readonly args: string;
  readonly queue?: string;
  readonly state: TaskState;
  readonly publishedAt?: number;
  readonly changedAt: number;
  readonly dueAt?: number;
  readonly attempts: number;
  /** All its waits, and the sum of its runs, as far as they are over. */
  readonly waitMs: number;
  /** Of its waits, those for which its queue has held it back after a failed delivery. */
  readonly hiddenMs?: number;
  readonly runMs: number;
  /** `ConnectionError: bank timeout`, at most 200 characters. */
  readonly error?: string;
  readonly rootId?: string;
}

/** All of one task. */
export interface TaskDetail {
  readonly task: TaskRecord;
  readonly summary: TaskSummary;
  /** What happened, in order. */
  readonly steps: readonly Step[];
  /** Why it waits now, when it does. */
  readonly waiting?: Reason;
  /** Tasks of the same root, itself among them. */
  readonly family: readonly FamilyMember[];
  /** Where it was raised in the project's own sources: `jobs/tasks.py:77`. */
  readonly location?: string;
  /** Set where the source does not tell them. */
  readonly areArgumentsUnknown?: boolean;
  /** Why `again` and `run` are not possible for this one, in words. */
  readonly notAgain?: string;
}

/** One thing that happened to a task; the page has the words for it. */
export type Step =
  | { readonly kind: "sent"; readonly at: number; readonly queue?: string }
  | (WaitSpan & { readonly kind: "waited"; readonly at: number; readonly reason: Reason })
  | {
      readonly kind: "ran";
      readonly at: number;
      readonly attempt: Attempt;
      /** Set when the queue hands the message out again while it still runs. */
      readonly mayRunTwice?: boolean;
    }
  | { readonly kind: "ended"; readonly at: number; readonly state: TaskState };

/** Why a task waits. */
export interface Reason {
  readonly cause: WaitSpan["cause"] | "paused";
  /** The fields of config.ts that decide it. */
  readonly fields: readonly string[];
  /** Set when the queue has handed the message out again while an earlier delivery still ran. */
  readonly mayRunTwice?: boolean;
}

export interface FamilyMember extends TaskSummary {
  readonly parentId?: string;
  readonly groupId?: string;
}

/** Dead letters of one task with one error. */
export interface DeadLetterGroup {
  readonly name: string;
  readonly error: Pick<TaskError, "type" | "message">;
  readonly queue: string;
  readonly count: number;
  readonly oldestAt: number;
  /** Ids of the messages, by which they are redriven or deleted, and of their tasks. */
  readonly letters: readonly { readonly messageId: string; readonly taskId: string }[];
}

/** The last hour, in sixty minutes. */
export interface Hour {
  readonly from: number;
  readonly minutes: readonly Minute[];
  /** The slowest first. */
  readonly names: readonly NameTimes[];
}

/** The most that waited or ran at a time within the minute, and what has ended in it. */
export interface Minute {
  readonly waiting: number;
  readonly running: number;
  readonly ok: number;
  readonly failed: number;
}

export interface NameTimes {
  readonly name: string;
  readonly count: number;
  readonly failed: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

export type Action =
  | { readonly kind: "again"; readonly id: string }
  | {
      readonly kind: "run";
      readonly id: string;
      readonly args: readonly unknown[];
      readonly kwargs: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "redrive" | "delete"; readonly messageIds: readonly string[] }
  | { readonly kind: "fire"; readonly timer: string }
  | { readonly kind: "pause" | "resume" | "step" };
export type ActionKind = Action["kind"];

export interface ActionResult {
  /** The new task, to jump to. */
  readonly id?: string;
  /** What was done, in words. */
  readonly message: string;
}
