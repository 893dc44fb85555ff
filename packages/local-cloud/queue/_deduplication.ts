import { DEDUPLICATION_MS } from "./limits.ts";

/** A message that was sent, as far as a second one of the same id has to know it. */
export interface Once {
  readonly messageId: string;
  readonly sequence: number;
  /** When it was sent, in milliseconds since the epoch. */
  readonly at: number;
}

/** Deduplication ids of the last five minutes. */
export class Deduplication {
  /** The oldest first. */
  private readonly sent = new Map<string, Once>();

  find(id: string, now: number): Once | undefined {
    for (const [old, { at }] of this.sent) {
      if (at + DEDUPLICATION_MS > now) break;
      this.sent.delete(old);
    }
    return this.sent.get(id);
  }

  remember(id: string, once: Once): void {
    this.sent.set(id, once);
  }

  entries(): IterableIterator<[string, Once]> {
    return this.sent.entries();
  }
}
