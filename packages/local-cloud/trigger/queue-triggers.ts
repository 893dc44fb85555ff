import type { ReceivedMessage } from "../queue/queues.ts";
import type { LocalTriggerSpec } from "../stack/blueprint.ts";
import { QueuePoller, type QueuePollerOptions } from "./_queue-poller.ts";

/** The triggers of a stack, and what they take from and give to. */
export interface QueueTriggersOptions extends QueuePollerOptions {
  readonly specs: readonly LocalTriggerSpec[];
}

/**
 * The triggers of all queues. Each takes messages as its container has room for them, POSTs them in
 * the cloud's event, and deletes them when the answer is a 2xx. Otherwise they come back when their
 * visibility timeout is over, until the queue's redrive policy makes them dead letters.
 */
export class QueueTriggers {
  private readonly triggers: readonly QueuePoller[];
  private hasBegun = false;
  private isPaused = false;
  private running: AbortController | undefined;
  private runs: Promise<unknown> = Promise.resolve();

  constructor({ specs, ...options }: QueueTriggersOptions) {
    this.triggers = specs.map((spec) => new QueuePoller(spec, options));
  }

  /** Takes messages, unless a pause has begun already. */
  start(): void {
    this.hasBegun = true;
    this.take();
  }

  /** Takes no more messages. What is being worked on is finished. */
  pause(): void {
    this.isPaused = true;
    this.leave();
  }

  /** Takes messages again. */
  resume(): void {
    this.isPaused = false;
    this.take();
  }

  get paused(): boolean {
    return this.isPaused;
  }

  /**
   * Takes one message although it is paused, of the first queue that has one, and hands it to its
   * container. Returns it; `undefined` where there is none that can be taken now.
   */
  async step(): Promise<ReceivedMessage | undefined> {
    for (const trigger of this.triggers) {
      const message = await trigger.takeOne();
      if (message) return message;
    }
    return undefined;
  }

  /** Takes no more messages, and waits until that is so; not for what is being worked on. */
  async stop(): Promise<void> {
    this.hasBegun = false;
    this.leave();
    await this.runs;
  }

  private take(): void {
    if (this.running || this.isPaused || !this.hasBegun) return;
    this.running = new AbortController();
    const { signal } = this.running;
    this.runs = Promise.all(this.triggers.map((trigger) => trigger.run(signal)));
  }

  private leave(): void {
    this.running?.abort();
    this.running = undefined;
  }
}
