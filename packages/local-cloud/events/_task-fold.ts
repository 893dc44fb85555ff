import { isObject, type JsonObject } from "../support/json.ts";
import { TaskIndex } from "./_task-index.ts";
import {
  addAttempt,
  addLogLine,
  addWait,
  dropAttempt,
  endAttempt,
  type TrackedMessage,
  type TrackedTask,
} from "./_tracked-task.ts";
import { weightOf } from "./_weight.ts";
import type {
  Answered,
  CloudEvent,
  Dead,
  Hidden,
  Invoked,
  Logged,
  Published,
  Received,
  Settled,
  Stored,
} from "./event.ts";
import type { Outcome, OutcomeWord, TaskError, TaskState } from "./task-record.ts";

type At<T> = T & { readonly at: number };

const FINAL: { readonly [celeryState: string]: TaskState & OutcomeWord } = {
  SUCCESS: "ok",
  FAILURE: "failed",
  REVOKED: "revoked",
};

/** Follows every task by what happens to its messages, and keeps them in an index. */
export class TaskFold {
  readonly index = new TaskIndex();
  /** Of each queue: deliveries under way, and until when its container was busy with them. */
  private readonly work = new Map<string, { open: number; busyUntil: number }>();

  /** Takes over what an event says. Returns what has come to an end by it. */
  take(event: CloudEvent): readonly Outcome[] {
    const outcomes = this.follow(event);
    this.index.settle();
    return outcomes;
  }

  private follow(event: CloudEvent): readonly Outcome[] {
    switch (event.type) {
      case "published":
        return this.published(event);
      case "received":
        return this.received(event);
      case "invoked":
        return this.invoked(event);
      case "answered":
        return this.answered(event);
      case "stored":
        return this.stored(event);
      case "hidden":
        return this.hidden(event);
      case "dead":
        return this.dead(event);
      case "deleted":
      case "expired":
        return this.gone(event);
      case "log":
        return this.logged(event);
      default:
        return [];
    }
  }

  private published(event: At<Published>): Outcome[] {
    const { at, task, messageId, queue, delaySeconds, sentAt = at } = event;
    const entry = this.index.touch(task?.id ?? messageId, at);
    entry.publishedAt ??= sentAt;
    const again = task !== undefined && task.retries > (entry.facts?.retries ?? 0);
    const isTooMuch = !this.index.hasRoomFor(event.bytes);
    entry.facts = task && isTooMuch ? { ...task, args: [], kwargs: {} } : task;
    this.index.weigh(entry, "published", isTooMuch ? 0 : weightOf(event));
    entry.queue = queue;
    if (entry.settled !== "ok") entry.settled = undefined;
    const cause = again ? "retry" : "delay";
    this.index.track(entry, messageId, {
      ...{ taskId: entry.id, queue, live: true, queued: true, receiveCount: 0 },
      ...{ waitsFrom: sentAt, visibleAt: sentAt + delaySeconds * 1000, cause },
    });
    return [];
  }

  private received(event: At<Received>): Outcome[] {
    const { at, messageId, receiveCount, by, visibleAt } = event;
    const message = this.index.messageOf(event);
    const entry = this.index.touch(message.taskId, at);
    const free = Math.max(message.waitsFrom, Math.min(message.visibleAt, at));
    const busy = Math.max(free, Math.min(this.workOn(message.queue).busyUntil, at));
    addWait(entry, message.cause, message.waitsFrom, free);
    addWait(entry, "capacity", free, busy);
    addWait(entry, "queue", busy, at);
    Object.assign(message, { receiveCount, visibleAt, cause: "hidden", waitsFrom: at });
    if (by === "client") this.begin(entry, messageId, message, { by, startedAt: at });
    return [];
  }

  private invoked({ at, messageIds, container }: At<Invoked>): Outcome[] {
    for (const messageId of messageIds) {
      const message = this.index.messageOf({ messageId, queue: "", at });
      const entry = this.index.touch(message.taskId, at);
      addWait(entry, "batch", message.waitsFrom, at);
      this.begin(entry, messageId, message, { by: "trigger", container, startedAt: at });
      const work = this.workOn(message.queue);
      work.open += 1;
      work.busyUntil = Number.POSITIVE_INFINITY;
    }
    return [];
  }

  private answered(event: At<Answered>): Outcome[] {
    return event.messageIds.flatMap((messageId) => {
      const message = this.index.messages.get(messageId);
      if (message?.attempt === undefined) return [];
      this.freed(message.queue, event.at);
      const entry = this.index.touch(message.taskId, event.at);
      const verdict = event.verdicts.find((candidate) => candidate.messageId === messageId);
      const { attempt } = message;
      attempt.endedAt = event.at;
      attempt.status = event.status;
      attempt.outcome = verdict?.outcome;
      attempt.reason = verdict?.reason;
      // A row tells more, where there is one.
      attempt.state ??= verdict?.state;
      message.waitsFrom = event.at;
      return this.judge(entry, message, event);
    });
  }

  private judge(
    entry: TrackedTask,
    message: TrackedMessage,
    { at, status }: At<Answered>,
  ): Outcome[] {
    const { attempt } = message;
    if (attempt === undefined) return [];
    if (attempt.outcome === "delayed" || attempt.outcome === "duplicate") {
      dropAttempt(entry, attempt);
      message.attempt = undefined;
      return [];
    }
    const taken = status >= 200 && status < 300;
    const word = taken ? wordOf(attempt.state) : "back";
    return [{ at, taskId: entry.id, word, attempt: attempt.number }];
  }

  private stored(event: At<Stored>): Outcome[] {
    const { at, taskId, state, result } = event;
    const entry = this.index.touch(taskId, at);
    const attempt = entry.attempts.at(-1);
    const error = errorOf(event);
    if (FINAL[state]) entry.settled = FINAL[state];
    entry.error = error ?? (state === "SUCCESS" ? undefined : entry.error);
    // What a worker says when it begins is about itself.
    entry.result = error || state === "STARTED" ? undefined : result;
    this.index.weigh(entry, "stored", weightOf(event));
    if (attempt === undefined) return [];
    attempt.state = state;
    attempt.error = error ?? attempt.error;
    if (attempt.by === "trigger" || !(FINAL[state] || state === "RETRY")) return [];
    attempt.endedAt = at;
    return [{ at, taskId, word: wordOf(state), attempt: attempt.number }];
  }

  private hidden(event: At<Hidden>): Outcome[] {
    const message = this.index.messages.get(event.messageId);
    if (message) {
      Object.assign(message, { visibleAt: event.visibleAt, cause: "hidden" });
      this.index.touch(message.taskId, event.at);
    }
    return [];
  }

  private dead(event: At<Dead>): Outcome[] {
    const { at, receiveCount, deadLetterQueue } = event;
    const message = this.index.messageOf(event);
    const entry = this.index.touch(message.taskId, at);
    addWait(entry, "hidden", message.waitsFrom, at);
    endAttempt(message, at);
    Object.assign(message, { live: false, queue: deadLetterQueue, receiveCount });
    entry.settled = "dead";
    return [{ at, taskId: entry.id, word: "dead" }];
  }

  private gone({ type, at, messageId }: At<Settled>): Outcome[] {
    const message = this.index.messages.get(messageId);
    if (message === undefined) return [];
    const entry = this.index.touch(message.taskId, at);
    const wasLive = message.live;
    Object.assign(message, { live: false, queued: false });
    endAttempt(message, at);
    if (type === "deleted" || !wasLive) return [];
    entry.settled ??= "expired";
    return [{ at, taskId: entry.id, word: "expired" }];
  }

  private logged(event: At<Logged>): Outcome[] {
    const { at, level, message, messageId } = event;
    const taskId = event.taskId ?? this.index.messages.get(messageId ?? "")?.taskId;
    const entry = this.index.tasks.get(taskId ?? "");
    if (entry) addLogLine(entry, { at, level, message });
    return [];
  }

  private begin(
    entry: TrackedTask,
    messageId: string,
    message: TrackedMessage,
    start: { by: "trigger" | "client"; container?: string; startedAt: number },
  ): void {
    endAttempt(message, start.startedAt);
    message.attempt = addAttempt(entry, { ...start, messageId, delivery: message.receiveCount });
  }

  private workOn(queue: string) {
    const work = this.work.get(queue) ?? { open: 0, busyUntil: 0 };
    this.work.set(queue, work);
    return work;
  }

  private freed(queue: string, at: number): void {
    const work = this.workOn(queue);
    work.open = Math.max(0, work.open - 1);
    if (work.open === 0) work.busyUntil = at;
  }
}

function wordOf(celeryState: string | undefined): OutcomeWord {
  if (celeryState === "RETRY") return "retry";
  return FINAL[celeryState ?? ""] ?? "done";
}

/** Celery's JSON of an exception: `{ exc_type, exc_message, exc_module }`. */
function errorOf({ state, result, traceback }: Stored): TaskError | undefined {
  if (state !== "FAILURE" && state !== "RETRY") return undefined;
  const { exc_type: type, exc_message: text }: JsonObject = isObject(result) ? result : {};
  return {
    type: typeof type === "string" ? type : "Error",
    message: (Array.isArray(text) ? text : [text ?? result ?? ""]).map(String).join(", "),
    traceback,
  };
}
