import { hash, randomUUID } from "node:crypto";
import type { QueueSpec } from "../stack/blueprint.ts";
import { QueueError } from "./errors.ts";
import type { StoredMessage } from "./journal.ts";
import { MAX_DELAY_SECONDS, MAX_MESSAGE_BYTES } from "./limits.ts";
import {
  checkAttributes,
  findUnreadable,
  type Message,
  type MessageAttributes,
  md5OfAttributes,
  sizeOf,
} from "./message.ts";

/** What a sender sends. */
export interface SendInput {
  readonly body: string;
  /** 0-900. @default - the queue's own */
  readonly delaySeconds?: number;
  readonly attributes?: MessageAttributes;
}

/**
 * The message that a sender sends to a queue.
 *
 * @param sentAt milliseconds since the epoch
 * @throws QueueError where the cloud would reject it
 */
export function newMessage(
  { body, delaySeconds, attributes }: SendInput,
  queue: QueueSpec,
  sequence: number,
  sentAt: number,
): Message {
  if (body === "") throw new QueueError("MissingParameter", "No message body was provided.");
  const hasAttributes = attributes !== undefined && Object.keys(attributes).length > 0;
  if (hasAttributes) checkAttributes(attributes);
  const bytes = sizeOf(body, attributes);
  checkSize(bytes, queue);
  checkCharacters(body);
  const delay = checkDelay(delaySeconds ?? queue.delaySeconds);
  return {
    id: randomUUID(),
    sequence,
    body,
    md5: hash("md5", body),
    bytes,
    sentAt,
    attributes: hasAttributes ? attributes : undefined,
    md5OfAttributes: hasAttributes ? md5OfAttributes(attributes) : undefined,
    from: undefined,
    receiveCount: 0,
    firstReceivedAt: 0,
    visibleAt: sentAt + delay * 1000,
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

/** Rejects a message that is larger than its queue allows. */
export function checkSize(bytes: number, { name, maxMessageBytes }: QueueSpec): void {
  if (bytes <= maxMessageBytes) return;
  throw new QueueError(
    "InvalidParameterValue",
    `Message must be shorter than ${maxMessageBytes} bytes, and has ${bytes}.`,
    maxMessageBytes < MAX_MESSAGE_BYTES
      ? `Raise maxMessageBytes of ${name} where the stack defines the queue (up to ${MAX_MESSAGE_BYTES})`
      : "Store larger data in a bucket or a table, and send its name",
  );
}

function checkCharacters(body: string): void {
  const unreadable = findUnreadable(body);
  if (unreadable === undefined) return;
  throw new QueueError(
    "InvalidParameterValue",
    `Message body validation failed: character ${unreadable} is not allowed.`,
  );
}

function checkDelay(delaySeconds: number): number {
  if (delaySeconds >= 0 && delaySeconds <= MAX_DELAY_SECONDS) return delaySeconds;
  throw new QueueError(
    "InvalidParameterValue",
    `Delay seconds are too big: ${delaySeconds}, at most ${MAX_DELAY_SECONDS}.`,
    "For later tasks use a timer: schedule in config.ts",
  );
}
