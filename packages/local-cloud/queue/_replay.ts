import type { QueueSpec } from "../stack/blueprint.ts";
import { restoreMessage } from "./_new-message.ts";
import type { QueueRecord, StoredMessage } from "./journal.ts";
import type { Message } from "./message.ts";

interface RestoredQueue {
  spec: QueueSpec;
  readonly createdAt: number;
  readonly messages: Map<number, Message>;
}

/** What a journal's records come to. */
export class Replay {
  readonly queues = new Map<string, RestoredQueue>();
  /** When queues were deleted, in milliseconds since the epoch. */
  readonly deletedAt = new Map<string, number>();
  /** The highest that was given to a message. */
  sequence = 0;

  constructor(records: Iterable<QueueRecord>) {
    for (const record of records) this.apply(record);
  }

  private apply(record: QueueRecord): void {
    switch (record[0]) {
      case "queue":
        this.create(record[1], record[2]);
        break;
      case "drop":
        this.queues.delete(record[1]);
        this.deletedAt.set(record[1], record[2]);
        break;
      case "purge":
        this.queues.get(record[1])?.messages.clear();
        break;
      case "send":
        this.add(record[1], record[2]);
        break;
      case "delete":
        this.queues.get(record[1])?.messages.delete(record[2]);
        break;
      case "move":
        this.queues.get(record[1])?.messages.delete(record[2]);
        this.add(record[3], record[4]);
        break;
      default:
        this.change(record);
    }
  }

  private create(spec: QueueSpec, createdAt: number): void {
    const existing = this.queues.get(spec.name);
    if (existing && existing.createdAt === createdAt) existing.spec = spec;
    else this.queues.set(spec.name, { spec, createdAt, messages: new Map() });
    this.deletedAt.delete(spec.name);
  }

  private add(queue: string, stored: StoredMessage): void {
    this.queues.get(queue)?.messages.set(stored.sequence, restoreMessage(stored));
    this.sequence = Math.max(this.sequence, stored.sequence);
  }

  private change(record: Extract<QueueRecord, readonly ["receive" | "hide", ...unknown[]]>): void {
    const message = this.queues.get(record[1])?.messages.get(record[2]);
    if (message === undefined) return;
    if (record[0] === "hide") message.visibleAt = record[3];
    else [, , , message.receiveCount, message.firstReceivedAt, message.visibleAt] = record;
  }
}
