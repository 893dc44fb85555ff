import type { Message } from "./message.ts";

/** Places of taken messages are freed once there are this many. */
const SLACK = 1024;

/** Messages that can be received, first come, first served: in constant time, also with 100,000. */
export class ReadyMessages {
  private messages: (Message | undefined)[] = [];
  private head = 0;

  add(message: Message): void {
    this.messages.push(message);
  }

  /** Takes out the next message. One that was deleted meanwhile is left out. */
  take(): Message | undefined {
    while (this.head < this.messages.length) {
      const message = this.messages[this.head];
      // What is taken must not be kept in memory.
      this.messages[this.head++] = undefined;
      if (this.head > SLACK && this.head * 2 > this.messages.length) this.shrink();
      if (message?.state === "waiting") return message;
    }
    this.clear();
    return undefined;
  }

  clear(): void {
    this.messages = [];
    this.head = 0;
  }

  private shrink(): void {
    this.messages = this.messages.slice(this.head);
    this.head = 0;
  }
}
