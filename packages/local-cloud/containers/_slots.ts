/** A number of places, given out in the order in which they were asked for. */
export class Slots {
  private taken = 0;
  private readonly size: number;
  private readonly waiting = new Set<() => void>();

  constructor(size: number) {
    this.size = size;
  }

  get free(): number {
    return Math.max(0, this.size - this.taken - this.waiting.size);
  }

  /** Waits for a place. Gives the function that leaves it; `undefined` once `signal` is aborted. */
  async take(signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    if (this.taken < this.size) this.taken += 1;
    else if (!(await this.wait(signal))) return undefined;
    return () => this.leave();
  }

  private wait(signal: AbortSignal): Promise<boolean> {
    return new Promise((done) => {
      const enter = () => {
        signal.removeEventListener("abort", giveUp);
        done(true);
      };
      const giveUp = () => {
        this.waiting.delete(enter);
        done(false);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.waiting.add(enter);
    });
  }

  // A place goes from hand to hand, so that nobody who comes later gets it first.
  private leave(): void {
    const [next] = this.waiting;
    if (next === undefined) {
      this.taken -= 1;
      return;
    }
    this.waiting.delete(next);
    next();
  }
}
