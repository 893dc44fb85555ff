import type { Report } from "../events/event.ts";
import type { QueueSpec } from "../stack/blueprint.ts";
import type { Clock } from "../support/clock.ts";
import { Deduplication, type Once } from "./_deduplication.ts";
import type { Counts } from "./_descriptions.ts";
import { HiddenMessages } from "./_hidden-messages.ts";
import { store } from "./_new-message.ts";
import { GroupOrder, type Order, StandardOrder } from "./_order.ts";
import { Waiters } from "./_waiters.ts";
import { QueueError } from "./errors.ts";
import type { QueueRecord } from "./journal.ts";
import { MAX_IN_FLIGHT, MAX_IN_FLIGHT_FIFO } from "./limits.ts";
import type { Message } from "./message.ts";

const SWEEP_MS = 60_000;

/** What a queue needs from those around it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly report: Report;
  /** Keeps what has happened, where anything is kept. */
  readonly record: (...record: QueueRecord) => void;
  readonly nextSequence: () => number;
  readonly find: (name: string) => Queue | undefined;
}

export interface ReceiveOptions {
  /** 1-10. */
  readonly max: number;
  readonly visibilityTimeoutSeconds: number;
  readonly by: "trigger" | "client";
}

/** One queue: its messages, who may have which of them when. Checks nothing that a sender writes. */
export class Queue {
  spec: QueueSpec;
  createdAt: number;
  private readonly world: Surroundings;
  private readonly messages = new Map<number, Message>();
  private readonly hidden = new HiddenMessages();
  private readonly order: Order;
  private readonly waiters: Waiters<Message>;
  private readonly deduplication = new Deduplication();
  private delayed = 0;
  private inFlight = 0;
  private stopSweep: (() => void) | undefined;

  constructor(spec: QueueSpec, createdAt: number, world: Surroundings) {
    this.spec = spec;
    this.createdAt = createdAt;
    this.world = world;
    this.order = spec.fifo ? new GroupOrder() : new StandardOrder();
    this.waiters = new Waiters(world.clock, () => this.advance());
  }

  get name(): string {
    return this.spec.name;
  }

  count(): Counts {
    this.advance();
    const { inFlight, delayed } = this;
    return { waiting: this.messages.size - inFlight - delayed, inFlight, delayed };
  }

  /** All messages in the order in which they came. */
  all(): IterableIterator<Message> {
    this.advance();
    return this.messages.values();
  }

  /** The message of an id that was sent in the last five minutes. */
  sentOnce(deduplicationId: string): Once | undefined {
    return this.deduplication.find(deduplicationId, this.world.clock.now());
  }

  /** Takes in a message that is new to this queue. */
  accept(message: Message): void {
    if (message.deduplicationId !== undefined) {
      const { id, sequence, sentAt } = message;
      this.deduplication.remember(message.deduplicationId, { messageId: id, sequence, at: sentAt });
    }
    this.place(message);
  }

  /** Puts a message where its time says it belongs. */
  place(message: Message): void {
    this.messages.set(message.sequence, message);
    this.order.add(message);
    if (message.visibleAt > this.world.clock.now()) {
      this.hide(message, message.receiveCount > 0 ? "in flight" : "delayed");
    } else {
      this.show(message);
    }
    this.sweepLater();
  }

  restoreOnce(deduplicationId: string, once: Once): void {
    this.deduplication.remember(deduplicationId, once);
  }

  /** What can be received now, at most `max`: perhaps nothing. */
  receive(options: ReceiveOptions): Message[] {
    this.advance();
    if (this.inFlight >= (this.spec.fifo ? MAX_IN_FLIGHT_FIFO : MAX_IN_FLIGHT)) {
      throw new QueueError("OverLimit", `Too many messages of ${this.name} are in flight.`);
    }
    const received: Message[] = [];
    while (received.length < options.max) {
      const message = this.next();
      if (message === undefined) break;
      this.deliver(message, options);
      received.push(message);
    }
    return received;
  }

  /** The same, but waits for something to receive, `waitMs` at most or until `signal`. */
  receiveLater(
    options: ReceiveOptions,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly Message[]> {
    const answer = this.waiters.add(() => this.receive(options), waitMs, signal);
    this.waiters.wakeAt(this.hidden.earliest?.visibleAt);
    return answer;
  }

  /** A message that is in the queue, in whatever state. */
  find(sequence: number): Message | undefined {
    this.advance();
    return this.messages.get(sequence);
  }

  delete(message: Message): void {
    this.drop(message);
    this.world.record("delete", this.name, message.sequence);
    this.world.report({ type: "deleted", queue: this.name, messageId: message.id });
  }

  /** Hides a message in flight for another time, 0 to give it back. */
  changeVisibility(message: Message, seconds: number): void {
    const visibleAt = this.world.clock.now() + seconds * 1000;
    this.hidden.remove(message);
    message.visibleAt = visibleAt;
    this.hidden.add(message);
    this.world.record("hide", this.name, message.sequence, visibleAt);
    this.world.report({ type: "hidden", queue: this.name, messageId: message.id, visibleAt });
    if (seconds === 0) this.advance();
    this.waiters.wakeAt(this.hidden.earliest?.visibleAt);
  }

  /** Gives a message to another queue, as a new one: never received, at once receivable. */
  move(message: Message, to: Queue, changes: { sentAt: number; from?: string }): void {
    this.drop(message);
    const { from: _, ...same } = message;
    const moved: Message = {
      ...same,
      ...changes,
      sequence: this.world.nextSequence(),
      receiveCount: 0,
      firstReceivedAt: 0,
      visibleAt: 0,
      state: "waiting",
    };
    this.world.record("move", this.name, message.sequence, to.name, store(moved));
    to.accept(moved);
  }

  /** Takes a message out, whatever its state. */
  drop(message: Message): void {
    this.forget(message);
    message.state = "gone";
    this.messages.delete(message.sequence);
    this.order.release(message);
  }

  purge(): void {
    for (const message of this.messages.values()) {
      message.state = "gone";
      this.world.report({ type: "deleted", queue: this.name, messageId: message.id });
    }
    this.messages.clear();
    this.hidden.clear();
    this.order.clear();
    this.delayed = 0;
    this.inFlight = 0;
  }

  /** Ends what waits and all timers. */
  close(): void {
    this.stopSweep?.();
    this.waiters.close();
  }

  /** All that has to be told again to have the queue as it is now. */
  *records(): Generator<QueueRecord> {
    yield ["queue", this.spec, this.createdAt];
    for (const message of this.messages.values()) yield ["send", this.name, store(message)];
    for (const [id, { messageId, sequence, at }] of this.deduplication.entries()) {
      yield ["once", this.name, id, messageId, sequence, at];
    }
  }

  private next(): Message | undefined {
    for (;;) {
      const message = this.order.take();
      if (message === undefined) return undefined;
      if (!this.isExpired(message) && !this.isDead(message)) return message;
    }
  }

  private isExpired(message: Message): boolean {
    if (message.sentAt + this.spec.retentionSeconds * 1000 > this.world.clock.now()) return false;
    this.drop(message);
    this.world.record("delete", this.name, message.sequence);
    this.world.report({ type: "expired", queue: this.name, messageId: message.id });
    return true;
  }

  private isDead(message: Message): boolean {
    const { redrive } = this.spec;
    if (redrive === undefined || message.receiveCount < redrive.maxReceiveCount) return false;
    const deadLetters = this.world.find(redrive.deadLetterQueue);
    if (deadLetters === undefined) return false;
    this.world.report({
      type: "dead",
      queue: this.name,
      messageId: message.id,
      deadLetterQueue: deadLetters.name,
      receiveCount: message.receiveCount,
    });
    this.move(message, deadLetters, { sentAt: message.sentAt, from: this.name });
    return true;
  }

  private deliver(message: Message, { visibilityTimeoutSeconds, by }: ReceiveOptions): void {
    const now = this.world.clock.now();
    message.receiveCount++;
    message.firstReceivedAt ||= now;
    message.visibleAt = now + visibilityTimeoutSeconds * 1000;
    const { sequence, receiveCount, firstReceivedAt, visibleAt } = message;
    this.hide(message, "in flight");
    this.world.record("receive", this.name, sequence, receiveCount, firstReceivedAt, visibleAt);
    this.world.report({
      type: "received",
      queue: this.name,
      messageId: message.id,
      receiveCount,
      by,
      visibleAt,
    });
  }

  private hide(message: Message, state: "delayed" | "in flight"): void {
    message.state = state;
    if (state === "delayed") this.delayed++;
    else this.inFlight++;
    this.hidden.add(message);
    this.waiters.wakeAt(this.hidden.earliest?.visibleAt);
  }

  private show(message: Message): void {
    message.state = "waiting";
    this.order.ready(message);
    this.waiters.wake();
  }

  /** Shows what was hidden until now. */
  private advance(): void {
    if (this.hidden.size === 0) return;
    const now = this.world.clock.now();
    for (;;) {
      const { earliest } = this.hidden;
      if (earliest === undefined || earliest.visibleAt > now) break;
      this.forget(earliest);
      this.show(earliest);
    }
    this.waiters.wakeAt(this.hidden.earliest?.visibleAt);
  }

  private forget(message: Message): void {
    if (message.state === "delayed") this.delayed--;
    if (message.state === "in flight") this.inFlight--;
    this.hidden.remove(message);
  }

  private sweepLater(): void {
    this.stopSweep ??= this.world.clock.setTimer(this.world.clock.now() + SWEEP_MS, () => {
      this.stopSweep = undefined;
      for (const message of this.messages.values()) this.isExpired(message);
      if (this.messages.size > 0) this.sweepLater();
    });
  }
}
