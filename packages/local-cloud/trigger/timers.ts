import { randomUUID } from "node:crypto";
import type { Invoke } from "../containers/invoke.ts";
import type { Report } from "../events/event.ts";
import type { TimerSpec } from "../stack/blueprint.ts";
import { type Clock, realClock } from "../support/clock.ts";
import { renderTimerEvent } from "./_events.ts";
import { eventRequest } from "./_requests.ts";
import { type CronSchedule, nextTime, parseCron } from "./cron.ts";

/** The timers of a stack, and what they call. */
export interface TimersOptions {
  readonly specs: readonly TimerSpec[];
  readonly invoke: Invoke;
  readonly report: Report;
  /** @default - the machine's clock */
  readonly clock?: Clock;
}

interface CronTimer {
  readonly spec: TimerSpec;
  readonly cron: CronSchedule;
}

// What a machine has slept through is not made up for.
const LATE_MS = 60_000;

/** The timers of a stack: each calls its container at the times of its cron expression, in UTC. */
export class Timers {
  private readonly options: TimersOptions;
  private readonly clock: Clock;
  private readonly timers: ReadonlyMap<string, CronTimer>;
  /** What takes the next call back, by the timer's name. */
  private readonly cancels = new Map<string, () => void>();
  private readonly statuses = new Map<string, number>();

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
    for (const cancel of this.cancels.values()) cancel();
    this.cancels.clear();
  }

  /** Fires a timer now. Returns the status of the container's answer. */
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

  /** Status of the container's last answer; `undefined` before the first. */
  lastStatus(name: string): number | undefined {
    return this.statuses.get(name);
  }

  private arm(timer: CronTimer): void {
    const next = nextTime(timer.cron, this.clock.now());
    if (next === undefined) return;
    const cancel = this.clock.setTimer(next, () => {
      if (this.clock.now() - next < LATE_MS) void this.call(timer.spec, false);
      this.arm(timer);
    });
    this.cancels.set(timer.spec.name, cancel);
  }

  private async call(
    { name, payload, container, path }: TimerSpec,
    byHand: boolean,
  ): Promise<number> {
    const id = randomUUID();
    const event = renderTimerEvent(name, payload, id, this.clock.now());
    const request = eventRequest(container, path, event, { id });
    const { status } = await this.options.invoke(container, request);
    this.statuses.set(name, status);
    this.options.report({ type: "timer", timer: name, status, byHand });
    return status;
  }

  private find(name: string): CronTimer {
    const timer = this.timers.get(name);
    if (timer) return timer;
    const known = [...this.timers.keys()].join(", ") || "none; set 'schedule' in config.ts";
    throw new Error(`Timer ${name} is not in the stack (known: ${known}).`);
  }
}
