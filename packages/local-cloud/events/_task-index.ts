import { isObject, type JsonObject } from "../support/json.ts";
import {
  addAttempt,
  addLogLine,
  addWait,
  dropAttempt,
  type Entry,
  isOver,
  type Message,
  newEntry,
} from "./_entry.ts";
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

const MAX_MESSAGES_OF_A_TASK = 100;
/** Characters of arguments and results: messages of 256 KB must not fill the memory by their number. */
const MAX_WEIGHT = 128 * 1024 * 1024;
const MAX_OVER = 10_000;
/** Those that were over last are about to be shown, however large they are. */
const MIN_OVER = 100;

type At<T> = T & { readonly at: number };

const FINAL: { readonly [celeryState: string]: TaskState & OutcomeWord } = {
  SUCCESS: "ok",
  FAILURE: "failed",
  REVOKED: "revoked",
};

/**
 * Follows every task by what happens to its messages. What is in a queue is never forgotten: it comes
 * back under its name. Of what is over the last 10,000 are kept, less where they are large.
 */
export class TaskIndex {
  /** By id, the longest unchanged first. */
  readonly entries = new Map<string, Entry>();

  /** Entries of tasks that are over, the longest unchanged first. */
  private readonly over = new Set<Entry>();
  private readonly touched = new Set<Entry>();
  /** The characters of all arguments and results, roughly. */
  private weight = 0;
  private readonly messages = new Map<string, Message>();
  private readonly work = new Map<string, { open: number; busyUntil: number }>();

  /** Takes over what an event says; gives back what has come to an end by it. */
  take(event: CloudEvent): readonly Outcome[] {
    const outcomes = this.follow(event);
    for (const entry of this.touched) {
      if (isOver(entry)) this.over.add(entry);
    }
    this.touched.clear();
    this.forgetOldest();
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

  /** @param room characters that are to come */
  private forgetOldest(room = 0): void {
    for (const entry of this.over) {
      const isHeavy = this.weight + room > MAX_WEIGHT && this.over.size > MIN_OVER;
      if (this.over.size <= MAX_OVER && !isHeavy) return;
      this.over.delete(entry);
      this.entries.delete(entry.id);
      this.weight -= entry.weight.published + entry.weight.stored;
      for (const id of entry.messages.keys()) this.messages.delete(id);
    }
  }

  private published(event: At<Published>): Outcome[] {
    const { at, task, messageId, queue, delaySeconds, sentAt = at } = event;
    const entry = this.touch(task?.id ?? messageId, at);
    entry.publishedAt ??= sentAt;
    const again = task !== undefined && task.retries > (entry.facts?.retries ?? 0);
    this.forgetOldest(event.bytes);
    const isTooMuch = this.weight + event.bytes > MAX_WEIGHT;
    entry.facts = task && isTooMuch ? { ...task, args: [], kwargs: {} } : task;
    this.weigh(entry, "published", isTooMuch ? 0 : weightOf(event));
    entry.queue = queue;
    if (entry.settled !== "ok") entry.settled = undefined;
    const cause = again ? "retry" : "delay";
    this.track(entry, messageId, {
      ...{ taskId: entry.id, queue, live: true, queued: true, receiveCount: 0 },
      ...{ waitsFrom: sentAt, visibleAt: sentAt + delaySeconds * 1000, cause },
    });
    return [];
  }

  private received(event: At<Received>): Outcome[] {
    const { at, messageId, receiveCount, by, visibleAt } = event;
    const message = this.messageOf(event);
    const entry = this.touch(message.taskId, at);
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
      const message = this.messages.get(messageId) ?? this.adopt(messageId, "", at);
      const entry = this.touch(message.taskId, at);
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
      const message = this.messages.get(messageId);
      if (message?.attempt === undefined) return [];
      this.freed(message.queue, event.at);
      const entry = this.touch(message.taskId, event.at);
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

  private judge(entry: Entry, message: Message, { at, status }: At<Answered>): Outcome[] {
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
    const entry = this.touch(taskId, at);
    const attempt = entry.attempts.at(-1);
    const error = errorOf(event);
    if (FINAL[state]) entry.settled = FINAL[state];
    entry.error = error ?? (state === "SUCCESS" ? undefined : entry.error);
    // What a worker says when it begins is about itself.
    entry.result = error || state === "STARTED" ? undefined : result;
    this.weigh(entry, "stored", weightOf(event));
    if (attempt === undefined) return [];
    attempt.state = state;
    attempt.error = error ?? attempt.error;
    if (attempt.by === "trigger" || !(FINAL[state] || state === "RETRY")) return [];
    attempt.endedAt = at;
    return [{ at, taskId, word: wordOf(state), attempt: attempt.number }];
  }

  private hidden(event: At<Hidden>): Outcome[] {
    const message = this.messages.get(event.messageId);
    if (message === undefined) return [];
    Object.assign(message, { visibleAt: event.visibleAt, cause: "hidden" });
    this.touch(message.taskId, event.at);
    return [];
  }

  private dead(event: At<Dead>): Outcome[] {
    const { at, receiveCount, deadLetterQueue } = event;
    const message = this.messageOf(event);
    const entry = this.touch(message.taskId, at);
    addWait(entry, "hidden", message.waitsFrom, at);
    endAttempt(message, at);
    Object.assign(message, { live: false, queue: deadLetterQueue, receiveCount });
    entry.settled = "dead";
    return [{ at, taskId: entry.id, word: "dead" }];
  }

  private gone({ type, at, messageId }: At<Settled>): Outcome[] {
    const message = this.messages.get(messageId);
    if (message === undefined) return [];
    const entry = this.touch(message.taskId, at);
    const wasLive = message.live;
    Object.assign(message, { live: false, queued: false });
    endAttempt(message, at);
    if (type === "deleted" || !wasLive) return [];
    entry.settled ??= "expired";
    return [{ at, taskId: entry.id, word: "expired" }];
  }

  private logged(event: At<Logged>): Outcome[] {
    const { at, level, message, messageId } = event;
    const taskId = event.taskId ?? this.messages.get(messageId ?? "")?.taskId;
    const entry = taskId === undefined ? undefined : this.entries.get(taskId);
    if (entry === undefined) return [];
    addLogLine(entry, { at, level, message });
    return [];
  }

  private begin(
    entry: Entry,
    messageId: string,
    message: Message,
    start: { by: "trigger" | "client"; container?: string; startedAt: number },
  ): void {
    endAttempt(message, start.startedAt);
    message.attempt = addAttempt(entry, { ...start, messageId, delivery: message.receiveCount });
  }

  /** The entry of a task, made if need be, as the one that has changed last. */
  private touch(id: string, at: number): Entry {
    const entry = this.entries.get(id) ?? newEntry(id, at);
    entry.changedAt = at;
    this.entries.delete(id);
    this.entries.set(id, entry);
    this.over.delete(entry);
    this.touched.add(entry);
    return entry;
  }

  private messageOf({ messageId, queue, at }: At<{ messageId: string; queue: string }>): Message {
    return this.messages.get(messageId) ?? this.adopt(messageId, queue, at);
  }

  /** Follows a message whose beginning is not known. */
  private adopt(messageId: string, queue: string, at: number): Message {
    const entry = this.touch(messageId, at);
    entry.queue = queue;
    const message: Message = {
      ...{ taskId: messageId, queue, live: true, queued: true, receiveCount: 0 },
      ...{ waitsFrom: at, visibleAt: at, cause: "queue" as const },
    };
    this.track(entry, messageId, message);
    return message;
  }

  private track(entry: Entry, messageId: string, message: Message): void {
    entry.messages.delete(messageId);
    entry.messages.set(messageId, message);
    this.messages.set(messageId, message);
    if (entry.messages.size <= MAX_MESSAGES_OF_A_TASK) return;
    for (const [id, { queued }] of entry.messages) {
      if (queued) continue;
      entry.messages.delete(id);
      this.messages.delete(id);
      return;
    }
  }

  private weigh(entry: Entry, part: keyof Entry["weight"], weight: number): void {
    this.weight += weight - entry.weight[part];
    entry.weight[part] = weight;
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

function endAttempt({ attempt }: Message, at: number): void {
  if (attempt) attempt.endedAt ??= at;
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
