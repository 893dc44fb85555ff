import { isOver, newTrackedTask, type TrackedMessage, type TrackedTask } from "./_tracked-task.ts";

const MAX_MESSAGES_OF_A_TASK = 100;
/** Characters of arguments and results: messages of 256 KB must not fill the memory by their number. */
const MAX_WEIGHT = 128 * 1024 * 1024;
const MAX_OVER = 10_000;
/** Those that were over last are about to be shown, however large they are. */
const MIN_OVER = 100;

/** A message, where it was, and when, in milliseconds since the epoch. */
interface MessageSighting {
  readonly messageId: string;
  readonly queue: string;
  readonly at: number;
}

/**
 * Tasks and their messages by id. What is in a queue is never forgotten: it comes back under its
 * name. Of the tasks that are over the last 10,000 are kept, less where they are large.
 */
export class TaskIndex {
  /** By id, the longest unchanged first. */
  readonly tasks = new Map<string, TrackedTask>();
  /** By id, those of all tasks. */
  readonly messages = new Map<string, TrackedMessage>();

  /** Tasks that are over, the longest unchanged first. */
  private readonly over = new Set<TrackedTask>();
  private readonly touched = new Set<TrackedTask>();
  /** The characters of all arguments and results, roughly. */
  private weight = 0;

  /** The task of an id, created if need be, as the one that has changed last. */
  touch(id: string, at: number): TrackedTask {
    const entry = this.tasks.get(id) ?? newTrackedTask(id, at);
    entry.changedAt = at;
    this.tasks.delete(id);
    this.tasks.set(id, entry);
    this.over.delete(entry);
    this.touched.add(entry);
    return entry;
  }

  /** The message that an event is about; one whose beginning is not known is followed from here. */
  messageOf({ messageId, queue, at }: MessageSighting): TrackedMessage {
    const known = this.messages.get(messageId);
    if (known !== undefined) return known;
    const entry = this.touch(messageId, at);
    entry.queue = queue;
    const message: TrackedMessage = {
      ...{ taskId: messageId, queue, live: true, queued: true, receiveCount: 0 },
      ...{ waitsFrom: at, visibleAt: at, cause: "queue" as const },
    };
    this.track(entry, messageId, message);
    return message;
  }

  /** Follows a message as one of a task's. */
  track(entry: TrackedTask, messageId: string, message: TrackedMessage): void {
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

  /** Notes how many characters of a task an event holds. */
  weigh(entry: TrackedTask, part: keyof TrackedTask["weight"], weight: number): void {
    this.weight += weight - entry.weight[part];
    entry.weight[part] = weight;
  }

  /** Whether so many more characters fit, once the oldest tasks that are over were forgotten. */
  hasRoomFor(characters: number): boolean {
    this.forgetOldest(characters);
    return this.weight + characters <= MAX_WEIGHT;
  }

  /** After each event: forgets the oldest tasks that are over. */
  settle(): void {
    for (const task of this.touched) {
      if (isOver(task)) this.over.add(task);
    }
    this.touched.clear();
    this.forgetOldest();
  }

  /** @param room characters that are to come */
  private forgetOldest(room = 0): void {
    for (const entry of this.over) {
      const isHeavy = this.weight + room > MAX_WEIGHT && this.over.size > MIN_OVER;
      if (this.over.size <= MAX_OVER && !isHeavy) return;
      this.over.delete(entry);
      this.tasks.delete(entry.id);
      this.weight -= entry.weight.published + entry.weight.stored;
      for (const id of entry.messages.keys()) this.messages.delete(id);
    }
  }
}
