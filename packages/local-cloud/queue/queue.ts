import type { Report } from "../events/event.ts";
import type { QueueSpec } from "../stack/blueprint.ts";
import type { Clock } from "../support/clock.ts";
import type { QueueCounts, ReceiveOptions } from "./_descriptions.ts";
import { HiddenMessages } from "./_hidden-messages.ts";
import { store } from "./_new-message.ts";
import { ReadyMessages } from "./_ready-messages.ts";
import { Waiters } from "./_waiters.ts";
import { QueueError } from "./errors.ts";
import type { QueueRecord } from "./journal.ts";
import { MAX_IN_FLIGHT } from "./limits.ts";
import type { Message } from "./message.ts";

const SWEEP_MS = 60_000;

/** What a queue needs from the other queues, and from what keeps them. */
export interface QueueContext {
  readonly clock: Clock;
  readonly report: Report;
  /** Keeps what has happened, where anything is kept. */
  readonly record: (...record: QueueRecord) => void;
  readonly nextSequence: () => number;
  readonly find: (name: string) => Queue | undefined;
}

/** One queue: its messages, and who may receive which of them when. Does not check what a sender sends. */
export class Queue {
  spec: QueueSpec;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  private readonly context: QueueContext;
  private readonly messages = new Map<number, Message>();
  private readonly hidden = new HiddenMessages();
  private readonly ready = new ReadyMessages();
  private readonly waiters: Waiters<Message>;
  private stopSweep: (() => void) | undefined;

  constructor(spec: QueueSpec, createdAt: number, context: QueueContext) {
    this.spec = spec;
    this.createdAt = createdAt;
    this.context = context;
    this.waiters = new Waiters(context.clock, () => this.advance());
  }

  get name(): string {
    return this.spec.name;
  }

  count(): QueueCounts {
    this.advance();
    const { delayed, "in flight": inFlight } = this.hidden.counts;
    return { waiting: this.messages.size - inFlight - delayed, inFlight, delayed };
  }

  /** All messages in the order in which they came. */
  all(): IterableIterator<Message> {
    this.advance();
    return this.messages.values();
  }

  /** Adds a message, which is hidden until its time has come. */
  place(message: Message): void {
    this.messages.set(message.sequence, message);
    if (message.visibleAt > this.context.clock.now()) {
      this.hide(message, message.receiveCount > 0 ? "in flight" : "delayed");
    } else {
      this.show(message);
    }
    this.sweepLater();
  }

  /** What can be received, at most `max`: perhaps nothing, when the time is over or `signal` says so. */
  async receive(options: ReceiveOptions, signal?: AbortSignal): Promise<readonly Message[]> {
    const received = this.take(options);
    if (received.length > 0 || options.waitSeconds === 0) return received;
    const waiting = this.waiters.wait(() => this.take(options), options.waitSeconds * 1000, signal);
    this.waiters.wakeAt(this.hidden.earliest?.visibleAt);
    return await waiting;
  }

  /** A message that is in the queue, in whatever state. */
  find(sequence: number): Message | undefined {
    this.advance();
    return this.messages.get(sequence);
  }

  delete(message: Message): void {
    this.remove(message, "deleted");
  }

  /** Hides a message in flight for another time, 0 to give it back. */
  changeVisibility(message: Message, seconds: number): void {
    const visibleAt = this.context.clock.now() + seconds * 1000;
    this.hidden.remove(message);
    message.visibleAt = visibleAt;
    this.hidden.add(message, "in flight");
    this.context.record("hide", this.name, message.sequence, visibleAt);
    this.context.report({ type: "hidden", queue: this.name, messageId: message.id, visibleAt });
    if (seconds === 0) this.advance();
    this.waiters.wakeAt(this.hidden.earliest?.visibleAt);
  }

  purge(): void {
    for (const message of this.messages.values()) {
      message.state = "gone";
      this.context.report({ type: "deleted", queue: this.name, messageId: message.id });
    }
    this.messages.clear();
    this.hidden.clear();
    this.ready.clear();
  }

  /** Answers receivers that wait, and stops all timers. */
  close(): void {
    this.stopSweep?.();
    this.waiters.close();
  }

  /** All that has to be told again to have the queue as it is now. */
  *records(): Generator<QueueRecord> {
    yield ["queue", this.spec, this.createdAt];
    for (const message of this.messages.values()) yield ["send", this.name, store(message)];
  }

  private take(options: ReceiveOptions): Message[] {
    this.advance();
    if (this.hidden.counts["in flight"] >= MAX_IN_FLIGHT) {
      throw new QueueError("OverLimit", `Too many messages of ${this.name} are in flight.`);
    }
    if (options.when?.() === false) return [];
    const received: Message[] = [];
    while (received.length < options.max) {
      const message = this.next();
      if (message === undefined) break;
      this.deliver(message, options);
      received.push(message);
    }
    return received;
  }

  private next(): Message | undefined {
    for (;;) {
      const message = this.ready.take();
      if (message === undefined) return undefined;
      if (!this.isExpired(message) && !this.isDead(message)) return message;
    }
  }

  private isExpired(message: Message): boolean {
    if (message.sentAt + this.spec.retentionSeconds * 1000 > this.context.clock.now()) return false;
    this.remove(message, "expired");
    return true;
  }

  private isDead(message: Message): boolean {
    const { redrive } = this.spec;
    if (redrive === undefined || message.receiveCount < redrive.maxReceiveCount) return false;
    const deadLetters = this.context.find(redrive.deadLetterQueue);
    if (deadLetters === undefined) return false;
    const { id: messageId, receiveCount } = message;
    const { name: deadLetterQueue } = deadLetters;
    this.context.report({
      type: "dead",
      queue: this.name,
      messageId,
      deadLetterQueue,
      receiveCount,
    });
    this.bury(message, deadLetters);
    return true;
  }

  /** Moves a message to its dead-letter queue, as a new one: never received, receivable at once. */
  private bury(message: Message, deadLetters: Queue): void {
    this.drop(message);
    const moved: Message = {
      ...message,
      from: this.name,
      sequence: this.context.nextSequence(),
      receiveCount: 0,
      firstReceivedAt: 0,
      visibleAt: 0,
      state: "waiting",
    };
    this.context.record("move", this.name, message.sequence, deadLetters.name, store(moved));
    deadLetters.place(moved);
  }

  private deliver(message: Message, { visibilityTimeoutSeconds, by }: ReceiveOptions): void {
    const now = this.context.clock.now();
    message.receiveCount++;
    message.firstReceivedAt ||= now;
    message.visibleAt =
      now + (visibilityTimeoutSeconds ?? this.spec.visibilityTimeoutSeconds) * 1000;
    const { id: messageId, sequence, receiveCount, firstReceivedAt, visibleAt } = message;
    const { name: queue } = this;
    this.hide(message, "in flight");
    this.context.record("receive", queue, sequence, receiveCount, firstReceivedAt, visibleAt);
    this.context.report({ type: "received", queue, messageId, receiveCount, by, visibleAt });
  }

  private remove(message: Message, type: "deleted" | "expired"): void {
    this.drop(message);
    this.context.record("delete", this.name, message.sequence);
    this.context.report({ type, queue: this.name, messageId: message.id });
  }

  private drop(message: Message): void {
    this.hidden.remove(message);
    message.state = "gone";
    this.messages.delete(message.sequence);
  }

  private hide(message: Message, state: "delayed" | "in flight"): void {
    this.hidden.add(message, state);
    this.waiters.wakeAt(this.hidden.earliest?.visibleAt);
  }

  private show(message: Message): void {
    message.state = "waiting";
    this.ready.add(message);
    this.waiters.wake();
  }

  /** Shows what was hidden until now. */
  private advance(): void {
    if (this.hidden.earliest === undefined) return;
    const now = this.context.clock.now();
    for (;;) {
      const { earliest } = this.hidden;
      if (earliest === undefined || earliest.visibleAt > now) break;
      this.hidden.remove(earliest);
      this.show(earliest);
    }
    this.waiters.wakeAt(this.hidden.earliest?.visibleAt);
  }

  private sweepLater(): void {
    this.stopSweep ??= this.context.clock.setTimer(this.context.clock.now() + SWEEP_MS, () => {
      this.stopSweep = undefined;
      for (const message of this.messages.values()) this.isExpired(message);
      if (this.messages.size > 0) this.sweepLater();
    });
  }
}
