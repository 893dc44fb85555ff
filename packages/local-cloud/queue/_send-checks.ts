import type { QueueSpec } from "../stack/blueprint.ts";
import { QueueError } from "./errors.ts";
import { MAX_DELAY_SECONDS, MAX_MESSAGE_BYTES } from "./limits.ts";
import {
  checkAttributes,
  findUnreadable,
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

/** A message that the cloud would take, before it is in its queue. */
export interface CheckedSend {
  readonly body: string;
  readonly bytes: number;
  readonly delaySeconds: number;
  readonly attributes: MessageAttributes | undefined;
  readonly md5OfAttributes: string | undefined;
}

/** Refuses a message that the cloud would refuse, and fills in what the queue says. */
export function checkSend(input: SendInput, queue: QueueSpec): CheckedSend {
  const { body, attributes } = input;
  if (body === "") throw new QueueError("MissingParameter", "No message body was provided.");
  const hasAttributes = attributes !== undefined && Object.keys(attributes).length > 0;
  if (hasAttributes) checkAttributes(attributes);
  const bytes = sizeOf(body, attributes);
  checkSize(bytes, queue);
  const unreadable = findUnreadable(body);
  if (unreadable !== undefined) {
    throw new QueueError(
      "InvalidParameterValue",
      `Message body validation failed: character ${unreadable} is not allowed.`,
    );
  }
  return {
    body,
    bytes,
    delaySeconds: checkDelay(input.delaySeconds, queue),
    attributes: hasAttributes ? attributes : undefined,
    md5OfAttributes: hasAttributes ? md5OfAttributes(attributes) : undefined,
  };
}

/** Refuses a message that is larger than its queue allows. */
export function checkSize(bytes: number, { name, maxMessageBytes }: QueueSpec): void {
  if (bytes <= maxMessageBytes) return;
  throw new QueueError(
    "InvalidParameterValue",
    `Message must be shorter than ${maxMessageBytes} bytes, and has ${bytes}.`,
    maxMessageBytes < MAX_MESSAGE_BYTES
      ? `Raise maxMessageBytes of ${name} where the stack makes the queue (up to ${MAX_MESSAGE_BYTES})`
      : "Keep what is larger in a bucket or a table, and send its name",
  );
}

function checkDelay(delaySeconds: number | undefined, queue: QueueSpec): number {
  if (delaySeconds === undefined) return queue.delaySeconds;
  if (delaySeconds >= 0 && delaySeconds <= MAX_DELAY_SECONDS) return delaySeconds;
  throw new QueueError(
    "InvalidParameterValue",
    `Delay seconds are too big: ${delaySeconds}, at most ${MAX_DELAY_SECONDS}.`,
    "Later tasks are for a timer: schedule in config.ts",
  );
}
