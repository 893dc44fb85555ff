import type { Clock } from "../support/clock.ts";

interface Waiter<T> {
  readonly attempt: () => readonly T[];
  readonly answer: (items: readonly T[]) => void;
  readonly fail: (error: unknown) => void;
}

/** Who waits for something to receive: first come, first served. */
export class Waiters<T> {
  private readonly clock: Clock;
  private readonly onTime: () => void;
  private readonly waiting = new Set<Waiter<T>>();
  private isWoken = false;
  private alarm: { readonly at: number; readonly stop: () => void } | undefined;

  /** @param onTime shows what has become visible; called at times that `wakeAt` was told */
  constructor(clock: Clock, onTime: () => void) {
    this.clock = clock;
    this.onTime = onTime;
  }

  /** The first answer of `attempt` that is not empty; an empty one when the time is over. */
  add(
    attempt: () => readonly T[],
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.waiting.delete(waiter);
        stop();
        signal?.removeEventListener("abort", giveUp);
      };
      const settle = (act: () => void) => {
        leave();
        act();
      };
      const giveUp = () => settle(() => resolve([]));
      const waiter: Waiter<T> = {
        attempt,
        answer: (items) => settle(() => resolve(items)),
        fail: (error) => settle(() => reject(error)),
      };
      const stop = this.clock.setTimer(this.clock.now() + waitMs, giveUp);
      this.waiting.add(waiter);
      signal?.addEventListener("abort", giveUp);
      if (signal?.aborted) giveUp();
    });
  }

  /** Something can be received: serves those who wait, once all that came with it is there too. */
  wake(): void {
    if (this.isWoken || this.waiting.size === 0) return;
    this.isWoken = true;
    queueMicrotask(() => {
      this.isWoken = false;
      this.serve();
    });
  }

  /** Something can be received at that time, unless it changes before. */
  wakeAt(at: number | undefined): void {
    if (this.waiting.size === 0 || at === undefined) return;
    if (this.alarm !== undefined && this.alarm.at <= at) return;
    this.alarm?.stop();
    const stop = this.clock.setTimer(at, () => {
      this.alarm = undefined;
      this.onTime();
    });
    this.alarm = { at, stop };
  }

  close(): void {
    this.alarm?.stop();
    for (const waiter of [...this.waiting]) waiter.answer([]);
  }

  private serve(): void {
    for (const waiter of [...this.waiting]) {
      try {
        const items = waiter.attempt();
        if (items.length === 0) return;
        waiter.answer(items);
      } catch (error) {
        waiter.fail(error);
      }
    }
  }
}
