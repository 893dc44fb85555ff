import type { Report } from "../events/event.ts";
import type { QueueSpec } from "../stack/blueprint.ts";
import { FOLDER_ID, queueArn, queueUrl } from "../stack/local-ids.ts";
import { type Clock, realClock } from "../support/clock.ts";
import {
  type Counts,
  describePeeked,
  describeReceived,
  describeSent,
  type PeekedMessage,
  type ReceivedMessage,
  type ReceiveInput,
  type SentMessage,
} from "./_descriptions.ts";
import { newMessage, store } from "./_new-message.ts";
import { readHandle } from "./_receipt-handle.ts";
import { replay } from "./_replay.ts";
import { checkSend, type SendInput } from "./_send-checks.ts";
import { taskOf } from "./_task-of.ts";
import { QueueError } from "./errors.ts";
import type { QueueJournal, QueueRecord } from "./journal.ts";
import { MAX_QUEUES, MAX_VISIBILITY_SECONDS, NAME_REST_MS } from "./limits.ts";
import type { Message } from "./message.ts";
import { Queue } from "./queue.ts";

export type { PeekedMessage, ReceivedMessage, ReceiveInput, SentMessage } from "./_descriptions.ts";
export type { SendInput } from "./_send-checks.ts";

/** Names that a refusal lists: a project has two. */
const LISTED = 10;

export interface QueuesOptions {
  readonly report: Report;
  /** @default the machine's clock */
  readonly clock?: Clock;
  /** Keeps everything across restarts. @default - memory only */
  readonly journal?: QueueJournal;
  /** Where clients find the server, without a slash at the end; asked anew for each URL. */
  readonly address: () => string;
  readonly folderId?: string;
}

/** All queues of the local cloud. What the cloud would refuse throws a {@link QueueError}. */
export class Queues {
  private readonly byName = new Map<string, Queue>();
  /** When queues were deleted whose names cannot be used again yet. */
  private readonly deletedAt = new Map<string, number>();
  private readonly options: QueuesOptions;
  private readonly clock: Clock;
  private sequence = 0;

  constructor(options: QueuesOptions) {
    this.options = options;
    this.clock = options.clock ?? realClock;
    if (options.journal) this.restore(options.journal.kept);
  }

  /** Makes a queue of the stack, or gives one that is there these settings and lets it keep its messages. */
  create(spec: QueueSpec): void {
    const existing = this.byName.get(spec.name);
    if (existing && existing.spec.fifo === spec.fifo) existing.spec = spec;
    else this.open(spec, this.clock.now());
    this.deletedAt.delete(spec.name);
    this.record("queue", spec, this.get(spec.name).createdAt);
  }

  /** Makes a queue for a client, under the cloud's rules for names and numbers of queues. */
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

  urlOf(name: string, address = this.options.address()): string {
    return queueUrl(address, this.get(name).name);
  }

  arnOf(name: string): string {
    return queueArn(this.get(name).name, this.options.folderId ?? FOLDER_ID);
  }

  send(name: string, input: SendInput): SentMessage {
    const queue = this.get(name);
    const checked = checkSend(input, queue.spec);
    const { deduplicationId } = checked;
    const earlier = deduplicationId === undefined ? undefined : queue.sentOnce(deduplicationId);
    const sequence = earlier ? earlier.sequence : this.nextSequence();
    const message = newMessage(checked, sequence, this.clock.now());
    if (earlier) return describeSent(message, earlier.messageId);
    queue.accept(message);
    if (this.options.journal) this.record("send", name, store(message));
    this.reportPublished(queue, message, checked.delaySeconds, message.sentAt);
    return describeSent(message);
  }

  /** At most `max` messages, as soon as there is one; none when the time is over or `signal` says so. */
  receive(
    name: string,
    input: ReceiveInput,
    signal?: AbortSignal,
  ): Promise<readonly ReceivedMessage[]> {
    return Promise.resolve(this.receiveNowOrLater(name, input, signal));
  }

  /** The same, without a promise where there is nothing to wait for. */
  receiveNowOrLater(
    name: string,
    { max, waitSeconds, visibilityTimeoutSeconds, by }: ReceiveInput,
    signal?: AbortSignal,
  ): readonly ReceivedMessage[] | Promise<readonly ReceivedMessage[]> {
    const queue = this.get(name);
    const options = {
      max,
      by,
      visibilityTimeoutSeconds: visibilityTimeoutSeconds ?? queue.spec.visibilityTimeoutSeconds,
    };
    const now = queue.receive(options);
    if (now.length > 0 || waitSeconds === 0) return now.map(describeReceived);
    return queue
      .receiveLater(options, waitSeconds * 1000, signal)
      .then((messages) => messages.map(describeReceived));
  }

  /**
   * Deletes a message by the receipt handle of one of its receives, in a FIFO queue of the last one.
   * Nothing happens to a message that is gone.
   */
  delete(name: string, receiptHandle: string): void {
    const queue = this.get(name);
    const message = findReceived(queue, receiptHandle);
    if (message) queue.delete(message);
  }

  /** Hides a message in flight for 0 to 43,200 seconds from now. */
  changeVisibility(name: string, receiptHandle: string, seconds: number): void {
    const queue = this.get(name);
    if (!(seconds >= 0 && seconds <= MAX_VISIBILITY_SECONDS)) {
      throw new QueueError(
        "InvalidParameterValue",
        "VisibilityTimeout parameter must be less than or equal to 12 hours.",
      );
    }
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

  counts(name: string): Counts {
    return this.get(name).count();
  }

  /** Queues whose dead letters go to this one. */
  sourcesOf(name: string): readonly string[] {
    const { name: target } = this.get(name);
    return this.names.filter((other) => this.specOf(other).redrive?.deadLetterQueue === target);
  }

  /**
   * Sends dead letters back to the queues they came from, as they are, and says how many. What
   * somebody has received just now, or what came from a queue that is gone, stays.
   *
   * @param ids messages to send back, otherwise all
   */
  redrive(name: string, ids?: readonly string[]): number {
    const queue = this.get(name);
    const wanted = ids && new Set(ids);
    const sources = this.sourcesOf(name);
    let moved = 0;
    for (const message of [...queue.all()]) {
      const source = message.from ?? (sources.length === 1 ? sources[0] : undefined);
      const target = source === undefined ? undefined : this.byName.get(source);
      if (!target || message.state === "in flight" || (wanted && !wanted.has(message.id))) continue;
      const sentAt = this.clock.now();
      queue.move(message, target, { sentAt });
      this.reportPublished(target, message, 0, sentAt);
      moved++;
    }
    return moved;
  }

  /** When all that happened so far is kept; `undefined` where nothing has to be waited for. */
  kept(): Promise<void> | undefined {
    return this.options.journal?.flushed();
  }

  /** When the disk has taken what it has refused before; `undefined` where it has refused nothing. */
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

  private open(spec: QueueSpec, createdAt: number): void {
    this.byName.get(spec.name)?.close();
    const queue = new Queue(spec, createdAt, {
      clock: this.clock,
      report: this.options.report,
      record: this.record,
      nextSequence: () => this.nextSequence(),
      find: (name) => this.byName.get(name),
    });
    this.byName.set(spec.name, queue);
  }

  private reportPublished(
    { name: queue }: Queue,
    { id: messageId, bytes, body }: Message,
    delaySeconds: number,
    sentAt: number,
  ): void {
    const task = taskOf(body);
    const event = { type: "published", queue, messageId, bytes, delaySeconds, sentAt } as const;
    this.options.report(task ? { ...event, task } : event);
  }

  private nextSequence(): number {
    this.sequence++;
    return this.sequence;
  }

  private readonly record = (...record: QueueRecord): void => {
    const { journal } = this.options;
    if (journal === undefined) return;
    journal.append(record);
    if (journal.isBloated) journal.compact(this.records());
  };

  private restore(records: readonly QueueRecord[]): void {
    const { queues, sequence, deletedAt } = replay(records);
    this.sequence = sequence;
    for (const [name, at] of deletedAt) this.deletedAt.set(name, at);
    for (const { spec, createdAt, messages, once } of queues) {
      this.open(spec, createdAt);
      for (const message of messages) this.get(spec.name).place(message);
      for (const [id, entry] of once) this.get(spec.name).restoreOnce(id, entry);
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
  return queue.spec.fifo && message.receiveCount !== handle.receiveCount ? undefined : message;
}
