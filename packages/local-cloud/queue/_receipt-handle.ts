import { QueueError } from "./errors.ts";
import type { Message } from "./message.ts";

const HANDLE = /^([0-9a-z]{1,11})-([0-9a-z]{1,11})-([0-9a-z]{1,11})$/;

/** What a receipt handle says of its message. */
export interface ReceiptHandle {
  readonly sequence: number;
  readonly receiveCount: number;
  readonly sentAt: number;
}

/** The text by which a receiver deletes a message. Each receive creates another. */
export function makeHandle({ sequence, receiveCount, sentAt }: Message): string {
  return `${sequence.toString(36)}-${receiveCount.toString(36)}-${sentAt.toString(36)}`;
}

/** @throws QueueError where the text is not a receipt handle of `makeHandle` */
export function readHandle(text: string): ReceiptHandle {
  const match = HANDLE.exec(text);
  if (!match) throw new QueueError("ReceiptHandleIsInvalid");
  const [sequence = 0, receiveCount = 0, sentAt = 0] = match
    .slice(1)
    .map((part) => Number.parseInt(part, 36));
  return { sequence, receiveCount, sentAt };
}
