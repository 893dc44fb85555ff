import { randomUUID } from "node:crypto";
import type { Invoke } from "../containers/invoke.ts";
import type { Report } from "../events/event.ts";
import type { TimerSpec } from "../stack/blueprint.ts";
import { type Clock, realClock } from "../support/clock.ts";
import { renderTimerEvent } from "./_events.ts";
import { eventRequest } from "./_requests.ts";
import { type Cron, nextTime, parseCron } from "./cron.ts";

export interface TimersOptions {
  readonly specs: readonly TimerSpec[];
  readonly invoke: Invoke;
  readonly report: Report;
  /** @default - the machine's clock */
  readonly clock?: Clock;
}

interface Timer {
  readonly spec: TimerSpec;
  readonly cron: Cron;
}

// What a machine has slept through is not made up for.
const LATE_MS = 60_000;

/** The timers of a stack: each calls its container at the times of its cron expression, in UTC. */
export class Timers {
  private readonly options: TimersOptions;
  private readonly clock: Clock;
  private readonly timers: ReadonlyMap<string, Timer>;
  private readonly cancels = new Set<() => void>();

  constructor(options: TimersOptions) {
    this.options = options;
    this.clock = options.clock ?? realClock;
    this.timers = new Map(
      options.specs.map((spec) => [spec.name, { spec, cron: parseCron(spec.cron) }]),
    );
  }

  start(): void {
    for (const timer of this.timers.values()) this.arm(timer);
  }

  stop(): void {
    for (const cancel of [...this.cancels]) cancel();
    this.cancels.clear();
  }

  /** Fires a timer now, and gives the status of the last answer. */
  fire(name: string): Promise<number> {
    return this.call(this.find(name).spec, true);
  }

  /** The next times at which a timer fires; fewer when its years are over. */
  next(name: string, count: number): Date[] {
    const { cron } = this.find(name);
    const times: Date[] = [];
    let after: number | undefined = this.clock.now();
    while (times.length < count) {
      after = nextTime(cron, after);
      if (after === undefined) break;
      times.push(new Date(after));
    }
    return times;
  }

  private arm(timer: Timer): void {
    const next = nextTime(timer.cron, this.clock.now());
    if (next === undefined) return;
    this.wait(next, () => {
      if (this.clock.now() - next < LATE_MS) void this.call(timer.spec, false);
      this.arm(timer);
    });
  }

  private wait(at: number, act: () => void): void {
    const cancel = this.clock.setTimer(at, () => {
      this.cancels.delete(cancel);
      act();
    });
    this.cancels.add(cancel);
  }

  private async call(
    { name, payload, container, path }: TimerSpec,
    byHand: boolean,
  ): Promise<number> {
    const id = randomUUID();
    const event = renderTimerEvent(name, payload, id, this.clock.now());
    const request = eventRequest(container, path, event, { id });
    const { status } = await this.options.invoke(container, request);
    this.options.report({ type: "timer", timer: name, status, byHand });
    return status;
  }

  private find(name: string): Timer {
    const timer = this.timers.get(name);
    if (timer) return timer;
    const known = [...this.timers.keys()].join(", ") || "none; set 'schedule' in config.ts";
    throw new Error(`There is no timer ${name} (there are: ${known}).`);
  }
}
