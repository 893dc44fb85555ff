import { hash } from "node:crypto";
import {
  type MessageAttributes,
  md5OfAttributes,
  sizeOf,
} from "../../../packages/local-cloud/queue/message.ts";
import { type AccessKey, signedRequest } from "../cloud/aws-request.ts";
import { CloudApiError } from "../cloud/cloud-api.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { childrenOf, parseXml, textOf, type XmlElement } from "./xml.ts";

/** Messages in one request. */
export const MAX_BATCH = 10;
/** Bytes of messages in one request: 256 KB. */
const MAX_BATCH_BYTES = 262_144;
const REGION = "ru-central1";
const VERSION = "2012-11-05";
const ATTEMPTS = 5;
/** The first wait, which doubles. */
const RETRY_MS = 500;
const THROTTLED = /Throttl/i;
const HINTS = [
  [/AccessDenied/, " The key's account needs ymq.admin on the folder."],
  [/PurgeQueueInProgress/, " Run it again in a minute."],
] as const;

/** What a sender has put into a queue. */
export interface Content {
  readonly body: string;
  readonly attributes: MessageAttributes;
}

/** A message that was received. */
export interface Received extends Content {
  readonly id: string;
  /** By which it is deleted or given back. */
  readonly handle: string;
  /** Milliseconds since the epoch; a dead letter keeps the time it was first sent. */
  readonly sentAt: number;
  /** From its queue, this time included. */
  readonly receiveCount: number;
}

/** How many messages are in which state, about. */
export interface Counts {
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
  /** How long a received message stays hidden unless it is deleted, in seconds. */
  readonly visibilitySeconds: number;
}

/** What Message Queue has said no to, or has not answered at all. */
export class QueueFailure extends UserError {
  /** Whether it is certain that nothing was done. */
  readonly refused: boolean;
  /** Whether the same request may succeed later. */
  readonly passing: boolean;

  constructor(message: string, { refused, passing }: { refused: boolean; passing: boolean }) {
    super(message);
    this.refused = refused;
    this.passing = passing;
  }
}

/** Message Queue by the Query protocol, with a static key. */
export class QueueClient {
  private readonly system: System;
  private readonly key: AccessKey;
  private readonly stop: AbortSignal | undefined;

  /** @param stop after which nothing is tried again */
  constructor(system: System, key: AccessKey, stop?: AbortSignal) {
    this.system = system;
    this.key = key;
    this.stop = stop;
  }

  async count(url: string): Promise<Counts> {
    const result = await this.call(url, "GetQueueAttributes", { "AttributeName.1": "All" });
    const found = new Map(
      childrenOf(result, "Attribute").map((it) => [textOf(it, "Name"), textOf(it, "Value")]),
    );
    const number = (name: string) => Number(found.get(name) ?? 0);
    if (!found.has("ApproximateNumberOfMessages")) {
      throw new UserError("Message Queue did not say how many messages there are.");
    }
    return {
      waiting: number("ApproximateNumberOfMessages"),
      inFlight: number("ApproximateNumberOfMessagesNotVisible"),
      delayed: number("ApproximateNumberOfMessagesDelayed"),
      visibilitySeconds: number("VisibilityTimeout"),
    };
  }

  /**
   * Some of the messages that nobody holds, up to ten. None does not mean that there are none: a
   * receive looks into one part of the queue.
   *
   * @see https://yandex.cloud/en/docs/message-queue/api-ref/message/ReceiveMessage
   */
  async receive(url: string, visibilitySeconds: number): Promise<Received[]> {
    const result = await this.call(url, "ReceiveMessage", {
      MaxNumberOfMessages: String(MAX_BATCH),
      VisibilityTimeout: String(visibilitySeconds),
      WaitTimeSeconds: "1",
      "AttributeName.1": "All",
      "MessageAttributeName.1": "All",
    });
    return childrenOf(result, "Message").map(readMessage);
  }

  /**
   * Sends messages of one {@link inBatches | batch}. Returns why those that were refused were, by
   * their places.
   *
   * @throws QueueFailure where it is not known what was sent: it is not tried again, since that could
   * send everything twice
   */
  async send(url: string, contents: readonly Content[]): Promise<ReadonlyMap<number, string>> {
    const fields = contents.map(({ body, attributes }) => ({
      MessageBody: body,
      ...attributeFields(attributes),
    }));
    const result = await this.callBatch(url, "SendMessageBatch", fields, { certain: true });
    const sent = new Map(
      childrenOf(result, "SendMessageBatchResultEntry").map((it) => [placeOf(it), it]),
    );
    const refused = new Map(
      childrenOf(result, "BatchResultErrorEntry").map((it) => [placeOf(it), reasonOf(it)]),
    );
    for (const [place, { body }] of contents.entries()) {
      if (refused.has(place)) continue;
      const entry = sent.get(place);
      if (entry && textOf(entry, "MD5OfMessageBody") === hash("md5", body)) continue;
      throw new QueueFailure("Message Queue does not say that it has what was sent.", {
        refused: false,
        passing: false,
      });
    }
    return refused;
  }

  /** Deletes messages; one that is gone counts as deleted. */
  async delete(url: string, messages: readonly Received[]): Promise<void> {
    const fields = messages.map(({ handle }) => ({ ReceiptHandle: handle }));
    const result = await this.callBatch(url, "DeleteMessageBatch", fields);
    const [failed] = childrenOf(result, "BatchResultErrorEntry");
    if (failed) throw new QueueFailure(reasonOf(failed), { refused: true, passing: false });
  }

  /** Lets others receive messages at once; one that is gone, or not held any more, is left alone. */
  async giveBack(url: string, messages: readonly Received[]): Promise<void> {
    const fields = messages.map(({ handle }) => ({
      ReceiptHandle: handle,
      VisibilityTimeout: "0",
    }));
    await this.callBatch(url, "ChangeMessageVisibilityBatch", fields);
  }

  /**
   * Deletes all that was sent before, within a minute, whoever holds it.
   *
   * @see https://yandex.cloud/en/docs/message-queue/api-ref/queue/PurgeQueue
   */
  async purge(url: string): Promise<void> {
    await this.call(url, "PurgeQueue", {});
  }

  private callBatch(
    url: string,
    action: string,
    entries: readonly Readonly<Record<string, string>>[],
    options?: CallOptions,
  ): Promise<XmlElement> {
    const fields = entries.flatMap((entry, place) =>
      Object.entries({ Id: String(place), ...entry }).map(
        ([name, value]) => [`${action}RequestEntry.${place + 1}.${name}`, value] as const,
      ),
    );
    return this.call(url, action, Object.fromEntries(fields), options);
  }

  private async call(
    url: string,
    action: string,
    fields: Readonly<Record<string, string>>,
    { certain = false }: CallOptions = {},
  ): Promise<XmlElement> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.callOnce(url, action, fields);
      } catch (error) {
        const again = error instanceof QueueFailure && error.passing && (!certain || error.refused);
        if (!again || attempt === ATTEMPTS || this.stop?.aborted) throw error;
        await this.system.sleep(RETRY_MS * 2 ** (attempt - 1));
      }
    }
  }

  private async callOnce(
    url: string,
    action: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<XmlElement> {
    const form = new URLSearchParams({
      Action: action,
      Version: VERSION,
      QueueUrl: url,
      ...fields,
    });
    const { status, text } = await this.exchange(url, form.toString());
    if (status !== 200) throw failureOf(action, status, text);
    const root = parseXml(text);
    return childrenOf(root, `${action}Result`)[0] ?? { name: "", text: "", children: [] };
  }

  private async exchange(url: string, body: string): Promise<{ status: number; text: string }> {
    try {
      const response = await signedRequest(this.system, {
        ...{ key: this.key, service: "sqs", region: REGION, method: "POST", url, body },
        headers: { "content-type": "application/x-www-form-urlencoded" },
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      // Also an answer that breaks off.
      const said = error instanceof CloudApiError ? error.message : "Message Queue broke off.";
      throw new QueueFailure(said, { refused: false, passing: true });
    }
  }
}

interface CallOptions {
  /** Whether it is tried again only if it was certainly not carried out. @default false */
  readonly certain?: boolean;
}

/** Cuts messages into batches that one request can take. */
export function inBatches<T extends Content>(messages: readonly T[]): T[][] {
  const batches: T[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message.body, message.attributes);
    const last = batches.at(-1);
    if (last === undefined || last.length === MAX_BATCH || bytes + size > MAX_BATCH_BYTES) {
      batches.push([message]);
      bytes = size;
    } else {
      last.push(message);
      bytes += size;
    }
  }
  return batches;
}

function readMessage(message: XmlElement): Received {
  const system = new Map(
    childrenOf(message, "Attribute").map((it) => [textOf(it, "Name"), textOf(it, "Value")]),
  );
  const received = {
    id: textOf(message, "MessageId") ?? "",
    handle: textOf(message, "ReceiptHandle") ?? "",
    body: textOf(message, "Body") ?? "",
    attributes: readAttributes(message),
    sentAt: Number(system.get("SentTimestamp") ?? 0),
    receiveCount: Number(system.get("ApproximateReceiveCount") ?? 0),
  };
  refuseDamaged(message, received);
  return received;
}

function readAttributes(message: XmlElement): MessageAttributes {
  const entries = childrenOf(message, "MessageAttribute").map((it) => {
    const value = childrenOf(it, "Value")[0] ?? it;
    const stringValue = textOf(value, "StringValue");
    const binaryValue = textOf(value, "BinaryValue");
    const attribute = {
      dataType: textOf(value, "DataType") ?? "",
      ...(stringValue !== undefined && { stringValue }),
      ...(binaryValue !== undefined && { binaryValue }),
    };
    return [textOf(it, "Name") ?? "", attribute] as const;
  });
  return Object.fromEntries(entries);
}

// What is put back has to be what was sent, byte by byte.
function refuseDamaged(message: XmlElement, { id, body, attributes }: Received): void {
  const ofBody = textOf(message, "MD5OfBody");
  const ofAttributes = textOf(message, "MD5OfMessageAttributes") || undefined;
  const whole =
    ofBody === hash("md5", body) &&
    (ofAttributes === undefined || ofAttributes === md5OfAttributes(attributes));
  if (whole) return;
  throw new UserError(`Message ${id} came with a checksum that is not its own. Nothing was done.`);
}

function attributeFields(attributes: MessageAttributes): Record<string, string> {
  const fields = Object.entries(attributes).flatMap(([name, attribute], index) => {
    const { dataType, stringValue, binaryValue } = attribute;
    const at = `MessageAttribute.${index + 1}`;
    return [
      [`${at}.Name`, name],
      [`${at}.Value.DataType`, dataType],
      ...(stringValue === undefined ? [] : [[`${at}.Value.StringValue`, stringValue]]),
      ...(binaryValue === undefined ? [] : [[`${at}.Value.BinaryValue`, binaryValue]]),
    ];
  });
  return Object.fromEntries(fields);
}

function placeOf(entry: XmlElement): number {
  return Number(textOf(entry, "Id"));
}

function reasonOf(entry: XmlElement): string {
  return [textOf(entry, "Code"), textOf(entry, "Message")].filter(Boolean).join(": ");
}

function failureOf(action: string, status: number, text: string): QueueFailure {
  const error = errorIn(text);
  const reason = error ? reasonOf(error) : text.slice(0, 200) || "no explanation";
  const [, hint = ""] = HINTS.find(([pattern]) => pattern.test(reason)) ?? [];
  const refused = status < 500;
  return new QueueFailure(`Message Queue, ${action}: ${reason} (${status}).${hint}`, {
    refused,
    passing: !refused || status === 429 || THROTTLED.test(reason),
  });
}

// Something between here and there may have answered in another language.
function errorIn(text: string): XmlElement | undefined {
  try {
    return childrenOf(parseXml(text), "Error")[0];
  } catch {
    return undefined;
  }
}
