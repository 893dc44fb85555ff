import { Condition } from "../support/until.ts";

/** A number of places, given out in the order in which they were asked for. */
export class Slots {
  private taken = 0;
  private readonly size: number;
  private readonly left = new Condition();

  constructor(size: number) {
    this.size = size;
  }

  /** Places that nobody has or waits for. */
  get free(): number {
    return Math.max(0, this.size - this.taken - this.left.waiting);
  }

  /** Waits for a place. Returns the function that leaves it; `undefined` once `signal` is aborted. */
  async take(signal: AbortSignal): Promise<(() => void) | undefined> {
    const isTaken = await this.left.until(() => {
      if (this.taken >= this.size) return false;
      this.taken += 1;
      return true;
    }, signal);
    return isTaken ? () => this.leave() : undefined;
  }

  private leave(): void {
    this.taken -= 1;
    this.left.notify();
  }
}
