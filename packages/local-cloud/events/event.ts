import type { TaskFacts } from "../../task-history/fact.ts";

/** Everything that happens in the local cloud, as one type. Whoever shows it reads nothing else. */
export type CloudEvent = Stamp & Happening;

interface Stamp {
  /** Counts up from 1, without gaps. */
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What a part reports; the store stamps it. */
export type Happening =
  | Published
  | Received
  | Settled
  | Dead
  | Hidden
  | Invoked
  | Answered
  | Stored
  | ContainerChanged
  | Logged
  | TimerFired
  | Requested
  | Refused;

/** Takes over what has happened, as the event store does. */
export type Report = (happening: Happening) => void;

interface OfMessage {
  readonly queue: string;
  readonly messageId: string;
}

/** A message was accepted. `delaySeconds`: hidden for so long at first. */
export interface Published extends OfMessage {
  readonly type: "published";
  readonly bytes: number;
  readonly delaySeconds: number;
  /** When it came into its queue, in milliseconds since the epoch. @default - now */
  readonly sentAt?: number;
  /** Absent where a message is not Celery's. */
  readonly task?: TaskFacts;
}

/** A message was handed to a trigger or a client. */
export interface Received extends OfMessage {
  readonly type: "received";
  /** Counts from 1. */
  readonly receiveCount: number;
  readonly by: "trigger" | "client";
  /** When it can be received again unless it is deleted, in milliseconds since the epoch. */
  readonly visibleAt: number;
}

/** A message has left the queue: deleted, purged, or too old. */
export interface Settled extends OfMessage {
  readonly type: "deleted" | "expired";
}

/** A message was moved to the dead-letter queue. */
export interface Dead extends OfMessage {
  readonly type: "dead";
  readonly deadLetterQueue: string;
  readonly receiveCount: number;
}

/** A received message was given back or held longer (ChangeMessageVisibility). */
export interface Hidden extends OfMessage {
  readonly type: "hidden";
  readonly visibleAt: number;
}

/** The trigger has POSTed messages to a container. */
export interface Invoked {
  readonly type: "invoked";
  readonly trigger: string;
  readonly container: string;
  readonly messageIds: readonly string[];
}

/** The container has answered, or could not. `status` 502: no answer; 504: its time was over. */
export interface Answered {
  readonly type: "answered";
  readonly messageIds: readonly string[];
  readonly status: number;
  /** The worker's verdict on each message, where the body has one. */
  readonly verdicts: readonly {
    readonly messageId: string;
    readonly outcome: string;
    readonly reason?: string;
    readonly state?: string;
  }[];
}

/** A task's result was written. */
export interface Stored {
  readonly type: "stored";
  readonly table: string;
  readonly taskId: string;
  /** Celery's state: SUCCESS, FAILURE, RETRY, STARTED, REVOKED or a project's own. */
  readonly state: string;
  readonly result?: unknown;
  readonly traceback?: string;
}

/** A container is in another state, or in the same with something to say. */
export interface ContainerChanged {
  readonly type: "container";
  readonly container: string;
  readonly state: "installing" | "starting" | "ready" | "crashed" | "stopped";
  readonly pid?: number;
  /** What a person can do with it: exit code, progress, when it starts again. */
  readonly detail?: string;
  /** Why it has crashed, as far as that is known: the exception and where it was raised. */
  readonly cause?: string;
}

/** A line that a container has printed. */
export interface Logged {
  readonly type: "log";
  readonly container: string;
  readonly level: "debug" | "info" | "warning" | "error";
  readonly message: string;
  /** The line's own task, or the only one that the container was executing. */
  readonly taskId?: string;
  readonly messageId?: string;
}

/** A timer has called its container. `status`: the answer's. */
export interface TimerFired {
  readonly type: "timer";
  readonly timer: string;
  readonly status: number;
  /** Whether a person has fired it. */
  readonly byHand: boolean;
}

/** The gateway has answered a request. */
export interface Requested {
  readonly type: "request";
  readonly gateway: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly seconds: number;
}

/** The cloud would reject this, so it was rejected. */
export interface Refused {
  readonly type: "refused";
  readonly by: string;
  readonly code: string;
  readonly message: string;
  /** Where in `config.ts` it can be changed. */
  readonly fix?: string;
}
