import type { Happening } from "../../../packages/local-cloud/events/event.ts";
import type { QueueJournal } from "../../../packages/local-cloud/queue/journal.ts";
import { Queues } from "../../../packages/local-cloud/queue/queues.ts";
import { defaultSettings } from "../../../packages/local-cloud/queue/settings.ts";
import type { QueueSpec } from "../../../packages/local-cloud/stack/blueprint.ts";
import type { Clock } from "../../../packages/local-cloud/support/clock.ts";

/** A clock that stands still until it is turned, and then runs what was due, in order. */
export class TestClock implements Clock {
  private time = 1_800_000_000_000;
  private readonly timers = new Set<{ readonly at: number; readonly act: () => void }>();

  now(): number {
    return this.time;
  }

  setTimer(at: number, act: () => void): () => void {
    const timer = { at, act };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const [due] = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (due === undefined) break;
      this.timers.delete(due);
      this.time = Math.max(this.time, due.at);
      due.act();
    }
    this.time = end;
  }
}

export interface Bench {
  readonly queues: Queues;
  readonly clock: TestClock;
  readonly events: Happening[];
}

/** Queues on a clock of their own. */
export function makeQueues(
  specs: readonly QueueSpec[],
  options: { readonly clock?: TestClock; readonly journal?: QueueJournal } = {},
): Bench {
  const clock = options.clock ?? new TestClock();
  const events: Happening[] = [];
  const queues = new Queues({
    clock,
    journal: options.journal,
    report: (event) => events.push(event),
  });
  for (const spec of specs) queues.create(spec);
  return { queues, clock, events };
}

export function spec(name: string, changes: Partial<QueueSpec> = {}): QueueSpec {
  return { ...defaultSettings(name), ...changes };
}
