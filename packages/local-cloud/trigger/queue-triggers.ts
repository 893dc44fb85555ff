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
  private running: AbortController | undefined;
  private runs: Promise<unknown> = Promise.resolve();

  constructor({ specs, ...options }: QueueTriggersOptions) {
    this.triggers = specs.map((spec) => new QueuePoller(spec, options));
  }

  /** Takes messages, for the first time or after a pause. */
  start(): void {
    if (this.running) return;
    this.running = new AbortController();
    const { signal } = this.running;
    this.runs = Promise.all(this.triggers.map((trigger) => trigger.run(signal)));
  }

  /** Takes no more messages. What is being worked on is finished. */
  pause(): void {
    this.running?.abort();
    this.running = undefined;
  }

  /** Whether nothing is taken, as before the start. */
  get paused(): boolean {
    return this.running === undefined;
  }

  /** As `pause`, and waits until nothing more is taken; not for what is being worked on. */
  async stop(): Promise<void> {
    this.pause();
    await this.runs;
  }
}
