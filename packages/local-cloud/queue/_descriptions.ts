import { makeHandle } from "./_receipt-handle.ts";
import type { Message, MessageAttributes } from "./message.ts";

/** What the cloud puts in for the account that has sent a message. */
const SENDER_ID = "ajelocalaccount00000";

/** How many messages are in which state. */
export interface Counts {
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
}

export interface ReceiveInput {
  /** 1-10. */
  readonly max: number;
  /** 0-20. */
  readonly waitSeconds: number;
  /** 0-43,200. @default - the queue's own */
  readonly visibilityTimeoutSeconds?: number;
  readonly by: "trigger" | "client";
}

export interface SentMessage {
  readonly messageId: string;
  readonly md5: string;
  readonly md5OfAttributes?: string;
  /** FIFO queues only. */
  readonly sequenceNumber?: string;
}

export interface ReceivedMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly md5: string;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
  /** Counts from 1. */
  readonly receiveCount: number;
  readonly attributes: MessageAttributes;
  readonly md5OfAttributes?: string;
  /** `SentTimestamp` and the like, as the protocols name them. */
  readonly systemAttributes: Readonly<Record<string, string>>;
}

/** A message as it lies in its queue. */
export interface PeekedMessage {
  readonly messageId: string;
  readonly body: string;
  readonly bytes: number;
  readonly sentAt: number;
  readonly state: "waiting" | "delayed" | "in flight";
  readonly receiveCount: number;
  /** When it can be received again; absent while it can be received now. */
  readonly visibleAt?: number;
  readonly attributes: MessageAttributes;
  readonly groupId?: string;
  /** The queue that a dead letter came from. */
  readonly from?: string;
}

/** `messageId`: of the message that was sent before in place of this one. */
export function describeSent(message: Message, messageId = message.id): SentMessage {
  const { md5, md5OfAttributes, groupId, sequence } = message;
  return {
    messageId,
    md5,
    md5OfAttributes,
    sequenceNumber: groupId === undefined ? undefined : sequenceNumber(sequence),
  };
}

/** As whoever has received it sees it. */
export function describeReceived(message: Message): ReceivedMessage {
  const { id, body, md5, sentAt, receiveCount, attributes = {}, md5OfAttributes } = message;
  return {
    messageId: id,
    receiptHandle: makeHandle(message),
    body,
    md5,
    sentAt,
    receiveCount,
    attributes,
    md5OfAttributes,
    systemAttributes: describeSystem(message),
  };
}

function describeSystem(message: Message): Record<string, string> {
  const attributes: Record<string, string> = {
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentAt),
    SenderId: SENDER_ID,
  };
  if (message.groupId !== undefined) {
    attributes.MessageGroupId = message.groupId;
    attributes.MessageDeduplicationId = message.deduplicationId ?? "";
    attributes.SequenceNumber = sequenceNumber(message.sequence);
  }
  return attributes;
}

/** As it lies in its queue. */
export function describePeeked(message: Message): PeekedMessage {
  const { id, body, bytes, sentAt, state, receiveCount, attributes = {}, groupId, from } = message;
  return {
    messageId: id,
    body,
    bytes,
    sentAt,
    state: state === "gone" ? "waiting" : state,
    receiveCount,
    visibleAt: state === "waiting" ? undefined : message.visibleAt,
    attributes,
    groupId,
    from,
  };
}

/** Twenty digits, so that texts sort as numbers do. */
function sequenceNumber(sequence: number): string {
  return String(sequence).padStart(20, "0");
}
