/** Something that changes, and on which callers can wait (a condition variable). */
export class Condition {
  private readonly checks = new Set<() => void>();

  /** How many callers wait. */
  get waiting(): number {
    return this.checks.size;
  }

  /** Something has changed: asks every caller that waits again, the one that waits longest first. */
  notify(): void {
    for (const check of [...this.checks]) {
      // An earlier one may have removed it.
      if (this.checks.has(check)) check();
    }
  }

  /**
   * Resolves with true once `holds` returns true, which is asked now and on each `notify`; with false
   * once `signal` is aborted. `holds` may take what it waits for: no other caller is asked in between.
   */
  until(holds: () => boolean, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.checks.delete(check);
        signal?.removeEventListener("abort", check);
      };
      const check = () => {
        try {
          if (signal?.aborted !== true && !holds()) return;
          resolve(signal?.aborted !== true);
        } catch (error) {
          reject(error);
        }
        leave();
      };
      this.checks.add(check);
      signal?.addEventListener("abort", check);
      check();
    });
  }
}
