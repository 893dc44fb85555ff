import { inflateSync } from "node:zlib";
import { isObject, type JsonObject, parseObject } from "./_json.ts";

/** More than any message can hold, so that a crafted one cannot fill the memory. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;

/** What kombu puts into a queue: headers, properties, and the body that a serializer has made. */
export interface Envelope {
  readonly fields: JsonObject;
  readonly headers: JsonObject;
  readonly properties: JsonObject;
  /** Whether its text was in base64. */
  readonly isEncoded: boolean;
}

/** The envelope in a message's body, with or without its outer base64; `undefined` for anything else. */
export function readEnvelope(body: string): Envelope | undefined {
  const plain = parseObject(body);
  const fields = plain ?? parseObject(fromBase64(body).toString());
  if (fields === undefined) return undefined;
  const headers = fieldsOf(fields.headers);
  return { fields, headers, properties: fieldsOf(fields.properties), isEncoded: !plain };
}

/** The serialized inner body; `undefined` where there is none. */
export function contentOf({ fields, headers, properties }: Envelope): string | undefined {
  if (typeof fields.body !== "string") return undefined;
  const encoded = properties.body_encoding === "base64";
  const bytes = encoded ? fromBase64(fields.body) : Buffer.from(fields.body);
  return inflated(bytes, headers.compression).toString();
}

/** The fields of an object; nothing of anything else. */
export function fieldsOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function inflated(bytes: Buffer, compression: unknown): Buffer {
  // kombu's name for what is zlib's format, without gzip's header.
  if (compression !== "application/x-gzip") return bytes;
  try {
    return inflateSync(bytes, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch {
    return bytes;
  }
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, "base64");
}
