import { hash, randomUUID } from "node:crypto";
import type { CheckedSend } from "./_send-checks.ts";
import type { StoredMessage } from "./journal.ts";
import type { Message } from "./message.ts";

/** A message as it comes from a sender. */
export function newMessage(sent: CheckedSend, sequence: number, sentAt: number): Message {
  return {
    id: randomUUID(),
    sequence,
    body: sent.body,
    md5: hash("md5", sent.body),
    bytes: sent.bytes,
    sentAt,
    attributes: sent.attributes,
    md5OfAttributes: sent.md5OfAttributes,
    from: undefined,
    receiveCount: 0,
    firstReceivedAt: 0,
    visibleAt: sent.delaySeconds > 0 ? sentAt + sent.delaySeconds * 1000 : 0,
    state: "waiting",
    hiddenIndex: -1,
  };
}

/** A message that was kept, before its queue has placed it. */
export function restoreMessage(stored: StoredMessage): Message {
  return { ...stored, state: "waiting", hiddenIndex: -1 };
}

/** What is kept of a message. */
export function store({ state: _, hiddenIndex: __, ...stored }: Message): StoredMessage {
  return stored;
}
