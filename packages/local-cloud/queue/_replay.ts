import type { QueueSpec } from "../stack/blueprint.ts";
import type { Once } from "./_deduplication.ts";
import { restoreMessage } from "./_new-message.ts";
import type { QueueRecord, StoredMessage } from "./journal.ts";
import type { Message } from "./message.ts";

interface RestoredQueue {
  readonly spec: QueueSpec;
  readonly createdAt: number;
  readonly messages: Message[];
  readonly once: Map<string, Once>;
}

interface Restored {
  readonly queues: readonly RestoredQueue[];
  /** The highest that was given to a message. */
  readonly sequence: number;
  readonly deletedAt: ReadonlyMap<string, number>;
}

interface Draft {
  spec: QueueSpec;
  createdAt: number;
  readonly messages: Map<number, Message>;
  readonly once: Map<string, Once>;
}

/** What a journal's records come to. */
export function replay(records: Iterable<QueueRecord>): Restored {
  const state = new Replay();
  for (const record of records) state.apply(record);
  return {
    queues: [...state.queues.values()].map((draft) => ({
      ...draft,
      messages: [...draft.messages.values()],
    })),
    sequence: state.sequence,
    deletedAt: state.deletedAt,
  };
}

class Replay {
  readonly queues = new Map<string, Draft>();
  readonly deletedAt = new Map<string, number>();
  sequence = 0;

  apply(record: QueueRecord): void {
    const [kind, name] = record;
    const draft = typeof name === "string" ? this.queues.get(name) : undefined;
    if (kind === "queue") this.create(record[1], record[2]);
    else if (kind === "drop") this.drop(record[1], record[2]);
    else if (kind === "purge") draft?.messages.clear();
    else if (kind === "send") this.add(record[1], record[2]);
    else if (kind === "delete") draft?.messages.delete(record[2]);
    else if (kind === "once") this.remember(record);
    else if (kind === "move") {
      draft?.messages.delete(record[2]);
      this.add(record[3], record[4]);
    } else this.change(record);
  }

  private drop(name: string, at: number): void {
    this.queues.delete(name);
    this.deletedAt.set(name, at);
  }

  private remember(record: Extract<QueueRecord, readonly ["once", ...unknown[]]>): void {
    const [, queue, id, messageId, sequence, at] = record;
    this.queues.get(queue)?.once.set(id, { messageId, sequence, at });
    this.sequence = Math.max(this.sequence, sequence);
  }

  private create(spec: QueueSpec, createdAt: number): void {
    const existing = this.queues.get(spec.name);
    if (existing && existing.createdAt === createdAt) existing.spec = spec;
    else this.queues.set(spec.name, { spec, createdAt, messages: new Map(), once: new Map() });
    this.deletedAt.delete(spec.name);
  }

  private add(queue: string, stored: StoredMessage): void {
    const draft = this.queues.get(queue);
    draft?.messages.set(stored.sequence, restoreMessage(stored));
    const { deduplicationId, id: messageId, sequence, sentAt: at } = stored;
    if (deduplicationId !== undefined)
      draft?.once.set(deduplicationId, { messageId, sequence, at });
    this.sequence = Math.max(this.sequence, sequence);
  }

  private change(record: Extract<QueueRecord, readonly ["receive" | "hide", ...unknown[]]>): void {
    const message = this.queues.get(record[1])?.messages.get(record[2]);
    if (message === undefined) return;
    if (record[0] === "hide") {
      message.visibleAt = record[3];
      return;
    }
    [, , , message.receiveCount, message.firstReceivedAt, message.visibleAt] = record;
  }
}
