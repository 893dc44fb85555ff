/** How long a line stands for others like it. */
const FOLD_MS = 10_000;

/**
 * Folds lines that say the same: the first is shown at once, and for those that come within ten
 * seconds of it one line that says how many there were.
 */
export class Repeats {
  private readonly show: (text: string) => void;
  /** How often each text that was shown has come again since, and what ends that. */
  private readonly shown = new Map<string, { count: number; readonly timer: NodeJS.Timeout }>();

  constructor(show: (text: string) => void) {
    this.show = show;
  }

  /** Returns whether the text was shown. */
  take(text: string): boolean {
    const earlier = this.shown.get(text);
    if (earlier) {
      earlier.count += 1;
      return false;
    }
    this.show(text);
    this.await(text);
    return true;
  }

  /** Says what is held back. */
  end(): void {
    for (const text of [...this.shown.keys()]) this.fold(text);
  }

  private await(text: string): void {
    const timer = setTimeout(() => {
      // What goes on and on is one line each ten seconds.
      if (this.fold(text)) this.await(text);
    }, FOLD_MS);
    this.shown.set(text, { count: 0, timer });
  }

  private fold(text: string): boolean {
    const { count = 0, timer } = this.shown.get(text) ?? {};
    clearTimeout(timer);
    this.shown.delete(text);
    if (count === 0) return false;
    this.show(`${text}  (${count} more of these)`);
    return true;
  }
}
