import type { Clock } from "../support/clock.ts";
import { Condition } from "../support/until.ts";

/** Receivers that wait for messages: first come, first served. */
export class Waiters<T> {
  private readonly clock: Clock;
  private readonly onTime: () => void;
  private readonly condition = new Condition();
  private isWoken = false;
  private isClosed = false;
  private alarm: { readonly at: number; readonly stop: () => void } | undefined;

  /** @param onTime shows what has become visible; called at times that `wakeAt` was told */
  constructor(clock: Clock, onTime: () => void) {
    this.clock = clock;
    this.onTime = onTime;
  }

  /** The first answer of `attempt` that is not empty; an empty one when the time is over. */
  async wait(
    attempt: () => readonly T[],
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly T[]> {
    let items: readonly T[] = [];
    let isOver = false;
    const stop = this.clock.setTimer(this.clock.now() + waitMs, () => {
      isOver = true;
      this.condition.notify();
    });
    const holds = () => {
      if (isOver || this.isClosed) return true;
      items = attempt();
      return items.length > 0;
    };
    await this.condition.until(holds, signal).finally(stop);
    return items;
  }

  /** Something can be received: serves those who wait, once all that came with it is there too. */
  wake(): void {
    if (this.isWoken || this.condition.waiting === 0) return;
    this.isWoken = true;
    queueMicrotask(() => {
      this.isWoken = false;
      this.condition.notify();
    });
  }

  /** Something can be received at that time, unless it changes before. */
  wakeAt(at: number | undefined): void {
    if (this.condition.waiting === 0 || at === undefined) return;
    if (this.alarm !== undefined && this.alarm.at <= at) return;
    this.alarm?.stop();
    const stop = this.clock.setTimer(at, () => {
      this.alarm = undefined;
      this.onTime();
    });
    this.alarm = { at, stop };
  }

  /** Answers everybody who waits. */
  close(): void {
    this.alarm?.stop();
    this.isClosed = true;
    this.condition.notify();
  }
}
