import { decodeTask } from "../../task-history/decode-task.ts";
import type { Report } from "../events/event.ts";
import type { QueueSpec } from "../stack/blueprint.ts";
import { queueArn, queueUrl } from "../stack/local-ids.ts";
import { type Clock, realClock } from "../support/clock.ts";
import {
  describePeeked,
  describeReceived,
  describeSent,
  type PeekedMessage,
  type QueueCounts,
  type ReceivedMessage,
  type ReceiveOptions,
  type SentMessage,
} from "./_descriptions.ts";
import { newMessage, type SendInput, store } from "./_new-message.ts";
import { readHandle } from "./_receipt-handle.ts";
import { Replay } from "./_replay.ts";
import { QueueError } from "./errors.ts";
import type { QueueJournal, QueueRecord } from "./journal.ts";
import { MAX_QUEUES, NAME_REST_MS } from "./limits.ts";
import type { Message } from "./message.ts";
import { Queue } from "./queue.ts";
import { SentTasks } from "./sent-tasks.ts";

export type { PeekedMessage, ReceivedMessage } from "./_descriptions.ts";

/** Names that an error lists: a project has two. */
const LISTED = 10;
// What Celery sends is a JSON object, mostly in base64. Trying to decode anything else takes time.
const CELERY = /^\s*(\{|ey)/;

/** What all queues need. */
export interface QueuesOptions {
  readonly report: Report;
  /** @default the machine's clock */
  readonly clock?: Clock;
  /** Keeps everything across restarts. @default - memory only */
  readonly journal?: QueueJournal;
}

/** All queues of the local cloud. What the cloud would reject throws a {@link QueueError}. */
export class Queues {
  private readonly byName = new Map<string, Queue>();
  /** When queues were deleted whose names cannot be used again yet. */
  private readonly deletedAt = new Map<string, number>();
  /** What carried the tasks, for who sends them once more. */
  readonly sentTasks = new SentTasks();
  private readonly options: QueuesOptions;
  private readonly clock: Clock;
  private sequence = 0;

  constructor(options: QueuesOptions) {
    this.options = options;
    this.clock = options.clock ?? realClock;
    if (options.journal) this.restore(options.journal.kept);
  }

  /** Creates a queue of the stack, or gives an existing one these settings; its messages stay. */
  create(spec: QueueSpec): void {
    const existing = this.byName.get(spec.name);
    if (existing) existing.spec = spec;
    else this.open(spec, this.clock.now());
    this.deletedAt.delete(spec.name);
    this.record("queue", spec, this.get(spec.name).createdAt);
  }

  /** Creates a queue for a client, under the cloud's rules for names and numbers of queues. */
  createNew(spec: QueueSpec): void {
    const restsUntil = (this.deletedAt.get(spec.name) ?? -Infinity) + NAME_REST_MS;
    if (restsUntil > this.clock.now()) {
      throw new QueueError("AWS.SimpleQueueService.QueueDeletedRecently");
    }
    if (this.byName.size >= MAX_QUEUES) throw new QueueError("OverLimit", "Too many queues.");
    this.create(spec);
  }

  remove(name: string): void {
    const queue = this.get(name);
    queue.purge();
    queue.close();
    this.byName.delete(name);
    const now = this.clock.now();
    this.deletedAt.set(name, now);
    this.record("drop", name, now);
  }

  get names(): readonly string[] {
    return [...this.byName.keys()];
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  specOf(name: string): QueueSpec {
    return this.get(name).spec;
  }

  /** Milliseconds since the epoch. */
  createdAt(name: string): number {
    return this.get(name).createdAt;
  }

  /** @param address the server's, without a slash at the end */
  urlOf(name: string, address: string): string {
    return queueUrl(address, this.get(name).name);
  }

  arnOf(name: string): string {
    return queueArn(this.get(name).name);
  }

  send(name: string, input: SendInput): SentMessage {
    const queue = this.get(name);
    const message = newMessage(input, queue.spec, ++this.sequence, this.clock.now());
    queue.place(message);
    this.record("send", name, store(message));
    this.reportPublished(name, message);
    return describeSent(message);
  }

  /** At most `max` messages, as soon as there is one; none when the time is over or `signal` says so. */
  async receive(
    name: string,
    options: ReceiveOptions,
    signal?: AbortSignal,
  ): Promise<readonly ReceivedMessage[]> {
    const messages = await this.get(name).receive(options, signal);
    return messages.map(describeReceived);
  }

  /**
   * Deletes a message by the receipt handle of one of its receives. Nothing happens to a message that
   * is gone.
   */
  delete(name: string, receiptHandle: string): void {
    const queue = this.get(name);
    const message = findReceived(queue, receiptHandle);
    if (message) queue.delete(message);
  }

  /** Hides a message in flight for 0 to 43,200 seconds from now. */
  changeVisibility(name: string, receiptHandle: string, seconds: number): void {
    const queue = this.get(name);
    const message = findReceived(queue, receiptHandle);
    if (!message) throw new QueueError("InvalidParameterValue", "No such message.");
    if (message.state !== "in flight") {
      throw new QueueError("AWS.SimpleQueueService.MessageNotInflight");
    }
    queue.changeVisibility(message, seconds);
  }

  purge(name: string): void {
    this.get(name).purge();
    this.record("purge", name);
  }

  /** Everything in a queue, the oldest first. Receives nothing and counts nothing. */
  peek(name: string): readonly PeekedMessage[] {
    return Array.from(this.get(name).all(), describePeeked);
  }

  counts(name: string): QueueCounts {
    return this.get(name).count();
  }

  /** Queues whose dead letters go to this one. */
  sourcesOf(name: string): readonly string[] {
    const { name: target } = this.get(name);
    return this.names.filter((other) => this.specOf(other).redrive?.deadLetterQueue === target);
  }

  /** Resolves when all that happened so far is kept; `undefined` where there is nothing to wait for. */
  kept(): Promise<void> | undefined {
    return this.options.journal?.flushed();
  }

  /** Resolves when the disk has taken what it rejected before; `undefined` where it rejected nothing. */
  caughtUp(): Promise<void> | undefined {
    const { journal } = this.options;
    return journal?.isBehind ? journal.flushed() : undefined;
  }

  /** Answers those who wait, and stops all timers. */
  close(): void {
    for (const queue of this.byName.values()) queue.close();
  }

  private get(name: string): Queue {
    const queue = this.byName.get(name);
    if (queue) return queue;
    throw new QueueError(
      "AWS.SimpleQueueService.NonExistentQueue",
      `The specified queue doesn't exist: "${name}".`,
      `There are ${this.names.slice(0, LISTED).join(", ") || "no queues"}; project in config.ts is the first part of their names`,
    );
  }

  private open(spec: QueueSpec, createdAt: number): Queue {
    const queue = new Queue(spec, createdAt, {
      clock: this.clock,
      report: this.options.report,
      record: this.record,
      nextSequence: () => ++this.sequence,
      find: (name) => this.byName.get(name),
    });
    this.byName.set(spec.name, queue);
    return queue;
  }

  private reportPublished(
    queue: string,
    { id: messageId, bytes, body, attributes, sentAt, visibleAt }: Message,
  ): void {
    const delaySeconds = (visibleAt - sentAt) / 1000;
    const task = CELERY.test(body) ? decodeTask(body) : undefined;
    if (task) this.sentTasks.keep(task.id, { queue, body, attributes });
    const { report } = this.options;
    report({ type: "published", queue, messageId, bytes, delaySeconds, sentAt, task });
  }

  private readonly record = (...record: QueueRecord): void => {
    const { journal } = this.options;
    if (journal === undefined) return;
    journal.append(record);
    if (journal.isBloated) journal.compact(this.records());
  };

  private restore(records: readonly QueueRecord[]): void {
    const { queues, sequence, deletedAt } = new Replay(records);
    this.sequence = sequence;
    for (const [name, at] of deletedAt) this.deletedAt.set(name, at);
    for (const { spec, createdAt, messages } of queues.values()) {
      const queue = this.open(spec, createdAt);
      for (const message of messages.values()) queue.place(message);
    }
  }

  private *records(): Generator<QueueRecord> {
    for (const [name, at] of this.deletedAt) yield ["drop", name, at];
    for (const queue of this.byName.values()) yield* queue.records();
  }
}

function findReceived(queue: Queue, receiptHandle: string): Message | undefined {
  const handle = readHandle(receiptHandle);
  const message = queue.find(handle.sequence);
  if (message?.sentAt !== handle.sentAt) return undefined;
  return message;
}
