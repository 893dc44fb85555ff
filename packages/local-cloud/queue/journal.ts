import type { QueueSpec } from "../stack/blueprint.ts";
import { type Journal, openJournal } from "../support/journal.ts";
import type { Message } from "./message.ts";

/** A message without what follows from the time of day. */
export type StoredMessage = Omit<Message, "state" | "hiddenIndex">;

/** Whatever happens to queues and messages. Times are milliseconds since the epoch. */
export type QueueRecord =
  | readonly ["queue", spec: QueueSpec, createdAt: number]
  | readonly ["drop", queue: string, at: number]
  | readonly ["purge", queue: string]
  | readonly ["send", queue: string, message: StoredMessage]
  | readonly ["receive", queue: string, sequence: number, count: number, at: number, until: number]
  | readonly ["hide", queue: string, sequence: number, until: number]
  | readonly ["delete", queue: string, sequence: number]
  | readonly ["move", queue: string, sequence: number, to: string, message: StoredMessage];

/** Keeps queues and messages across restarts. */
export type QueueJournal = Journal<QueueRecord>;

/** Opens the journal of the queues in a folder: `queues.jsonl`. */
export function openQueueJournal(directory: string): Promise<QueueJournal> {
  return openJournal(directory, "queues");
}
