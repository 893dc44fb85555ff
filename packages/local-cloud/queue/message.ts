import { createHash } from "node:crypto";
import { QueueError } from "./errors.ts";
import { MAX_ATTRIBUTES } from "./limits.ts";

/** An attribute that a sender put on a message: text or bytes. */
export interface MessageAttribute {
  /** `String`, `Number` or `Binary`, with any label after a point: `Number.float`. */
  readonly dataType: string;
  readonly stringValue?: string;
  /** Base64. */
  readonly binaryValue?: string;
}

/** A message's attributes by name. */
export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** A message in its queue. The queue alone changes what is not readonly. */
export interface Message {
  readonly id: string;
  /** Counts up over all queues; a receipt handle leads here. */
  readonly sequence: number;
  readonly body: string;
  readonly md5: string;
  /** Body and attributes. */
  readonly bytes: number;
  /** Milliseconds since the epoch; a dead letter keeps the time it was first sent. */
  readonly sentAt: number;
  readonly attributes?: MessageAttributes;
  readonly md5OfAttributes?: string;
  /** The queue that a dead letter came from. */
  readonly from?: string;
  receiveCount: number;
  firstReceivedAt: number;
  /** When a hidden message can be received again; milliseconds since the epoch. */
  visibleAt: number;
  state: "waiting" | "delayed" | "in flight" | "gone";
  /** Place among the hidden messages, -1 while it is none of them. */
  hiddenIndex: number;
}

const NAME = /^(?!\.)(?!.*\.\.)(?!.*\.$)[0-9A-Za-z_.-]{1,256}$/;
const RESERVED = /^(aws|amazon|ya|yc|yandex)\./i;
const TYPE = /^(String|Number|Binary)(\..*)?$/;
// Written so that a search through a long text is fast; the second half are lone surrogates.
const UNREADABLE =
  /[^\t\n\r\x20-\uFFFD]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** Rejects attributes that the cloud would reject. */
export function checkAttributes(attributes: MessageAttributes): void {
  const entries = Object.entries(attributes);
  if (entries.length > MAX_ATTRIBUTES) {
    throw new QueueError(
      "InvalidParameterCombination",
      `Message has more than ${MAX_ATTRIBUTES} attributes.`,
    );
  }
  for (const [name, attribute] of entries) checkAttribute(name, attribute);
}

function checkAttribute(name: string, attribute: MessageAttribute): void {
  const { dataType, stringValue = "", binaryValue = "" } = attribute;
  const fail = (code: "InvalidParameterValue" | "InvalidParameterCombination", why: string) => {
    throw new QueueError(code, `Message attribute "${name}": ${why}.`);
  };
  if (!NAME.test(name) || RESERVED.test(name)) fail("InvalidParameterValue", "invalid name");
  if (!dataType) fail("InvalidParameterCombination", "no data type provided");
  if (dataType.length > 256) fail("InvalidParameterValue", "data type is too long");
  if (!TYPE.test(dataType)) {
    fail("InvalidParameterValue", "data type must begin with String, Number or Binary");
  }
  if (!stringValue && !binaryValue) fail("InvalidParameterCombination", "no value provided");
  if (stringValue && binaryValue) {
    fail("InvalidParameterCombination", "has both value and binary value");
  }
  const unreadable = findUnreadable(stringValue);
  if (unreadable) fail("InvalidParameterValue", `character ${unreadable} is not allowed`);
}

/** The first character that a message may not contain, as `0x1F`. */
export function findUnreadable(text: string): string | undefined {
  const found = UNREADABLE.exec(text)?.[0];
  return found && `0x${found.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Bytes that count against a queue's limit. */
export function sizeOf(body: string, attributes: MessageAttributes | undefined): number {
  let size = Buffer.byteLength(body);
  if (attributes === undefined) return size;
  for (const [name, { dataType, stringValue, binaryValue }] of Object.entries(attributes)) {
    size += Buffer.byteLength(name) + dataType.length + Buffer.byteLength(stringValue ?? "");
    size += Buffer.byteLength(binaryValue ?? "", "base64");
  }
  return size;
}

/** The checksum that clients compare: names in order, each part with its length before it. */
export function md5OfAttributes(attributes: MessageAttributes): string {
  const hash = createHash("md5");
  const add = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).sort()) {
    const { dataType = "", stringValue, binaryValue = "" } = attributes[name] ?? {};
    add(Buffer.from(name));
    add(Buffer.from(dataType));
    hash.update(Buffer.from([stringValue === undefined ? 2 : 1]));
    add(stringValue === undefined ? Buffer.from(binaryValue, "base64") : Buffer.from(stringValue));
  }
  return hash.digest("hex");
}
