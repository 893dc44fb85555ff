import type { MessageAttributes } from "./message.ts";

const MAX_TASKS = 20_000;
/** Characters: messages of 256 KB must not fill the memory by their number. */
const MAX_WEIGHT = 64 * 1024 * 1024;

/** A message as it was sent, and where to. */
export interface SentTask {
  readonly queue: string;
  readonly body: string;
  readonly attributes?: MessageAttributes;
}

/**
 * The first message of each task, so that it can be sent once more when it has left its queue long ago:
 * of the last 20,000, fewer where they are large. Only of this run: a file keeps none.
 */
export class SentTasks {
  private readonly byId = new Map<string, SentTask>();
  private weight = 0;

  /** Keeps a message of a task, unless an earlier one is kept: a retry is another message. */
  keep(id: string, { queue, body, attributes }: SentTask): void {
    if (this.byId.has(id)) return;
    this.byId.set(id, { queue, body, attributes });
    this.weight += body.length;
    for (const [oldest, message] of this.byId) {
      if (this.byId.size <= MAX_TASKS && this.weight <= MAX_WEIGHT) return;
      this.byId.delete(oldest);
      this.weight -= message.body.length;
    }
  }

  find(id: string): SentTask | undefined {
    return this.byId.get(id);
  }
}
