/** A container's last log lines arrive by a pipe, often after its answer. */
const LATE_LINES_MS = 80;

/** Does things as soon as the log lines are there that belong to what has just happened. */
export class LateLines {
  private readonly pending = new Map<NodeJS.Timeout, () => void>();

  after(act: () => void): void {
    const timer = setTimeout(() => {
      this.pending.delete(timer);
      act();
    }, LATE_LINES_MS);
    this.pending.set(timer, act);
  }

  /** Does at once what is left. */
  end(): void {
    for (const [timer, act] of [...this.pending]) {
      clearTimeout(timer);
      this.pending.delete(timer);
      act();
    }
  }
}
