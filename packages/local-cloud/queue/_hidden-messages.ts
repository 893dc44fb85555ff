import type { Message } from "./message.ts";

/** Messages that nobody can receive yet, the earliest first: a binary heap that knows each place. */
export class HiddenMessages {
  private readonly heap: Message[] = [];
  /** How many are in which state. */
  readonly counts = { delayed: 0, "in flight": 0 };

  get earliest(): Message | undefined {
    return this.heap[0];
  }

  /** Hides a message until its `visibleAt`. */
  add(message: Message, state: "delayed" | "in flight"): void {
    message.state = state;
    this.counts[state]++;
    message.hiddenIndex = this.heap.length;
    this.heap.push(message);
    this.rise(message);
  }

  /** Takes a message out, or does nothing where it is not in here. */
  remove(message: Message): void {
    const index = message.hiddenIndex;
    if (index < 0) return;
    if (message.state === "delayed" || message.state === "in flight") this.counts[message.state]--;
    message.hiddenIndex = -1;
    const last = this.heap.pop();
    if (last === undefined || last === message) return;
    this.place(last, index);
    this.rise(last);
    this.sink(last);
  }

  clear(): void {
    this.heap.length = 0;
    this.counts.delayed = 0;
    this.counts["in flight"] = 0;
  }

  private rise(message: Message): void {
    while (message.hiddenIndex > 0) {
      const parent = this.heap[(message.hiddenIndex - 1) >> 1];
      if (!parent || isBefore(parent, message)) return;
      this.swap(parent, message);
    }
  }

  private sink(message: Message): void {
    for (;;) {
      const left = this.heap[2 * message.hiddenIndex + 1];
      const right = this.heap[2 * message.hiddenIndex + 2];
      const child = right && left && isBefore(right, left) ? right : left;
      if (!child || isBefore(message, child)) return;
      this.swap(message, child);
    }
  }

  private swap(parent: Message, child: Message): void {
    const index = parent.hiddenIndex;
    this.place(parent, child.hiddenIndex);
    this.place(child, index);
  }

  private place(message: Message, index: number): void {
    this.heap[index] = message;
    message.hiddenIndex = index;
  }
}

function isBefore(one: Message, other: Message): boolean {
  return one.visibleAt === other.visibleAt
    ? one.sequence < other.sequence
    : one.visibleAt < other.visibleAt;
}
