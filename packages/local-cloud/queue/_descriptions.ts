import { makeHandle } from "./_receipt-handle.ts";
import type { Message, MessageAttributes } from "./message.ts";

/** The sender's account, as the cloud has it. */
const SENDER_ID = "ajelocalaccount00000";

/** How many messages are in which state. */
export interface QueueCounts {
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** What somebody wants to receive, and how. */
export interface ReceiveOptions {
  /** 1-10. */
  readonly max: number;
  /** 0-20. */
  readonly waitSeconds: number;
  /** 0-43,200. @default - the queue's own */
  readonly visibilityTimeoutSeconds?: number;
  readonly by: "trigger" | "client";
  /** Nothing is received while it says no. @default - always */
  readonly when?: () => boolean;
}

/** What a sender gets for a message. */
export interface SentMessage {
  readonly messageId: string;
  readonly md5: string;
  readonly md5OfAttributes?: string;
}

/** A message as its receiver sees it. */
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

/** A message as it is in its queue. */
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
  /** The queue that a dead letter came from. */
  readonly from?: string;
}

/** A message as its sender sees it. */
export function describeSent({ id, md5, md5OfAttributes }: Message): SentMessage {
  return { messageId: id, md5, md5OfAttributes };
}

/** A message as its receiver sees it. */
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
    systemAttributes: {
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
      ApproximateReceiveCount: String(receiveCount),
      SentTimestamp: String(sentAt),
      SenderId: SENDER_ID,
    },
  };
}

/** A message as it is in its queue. */
export function describePeeked(message: Message): PeekedMessage {
  const { id, body, bytes, sentAt, state, receiveCount, attributes = {}, from } = message;
  return {
    messageId: id,
    body,
    bytes,
    sentAt,
    state: state === "gone" ? "waiting" : state,
    receiveCount,
    visibleAt: state === "waiting" ? undefined : message.visibleAt,
    attributes,
    from,
  };
}
