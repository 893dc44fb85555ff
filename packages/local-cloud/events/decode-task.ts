import { inflateSync } from "node:zlib";
import { isObject, type JsonObject, parseObject } from "../support/json.ts";
import type { TaskFacts } from "./event.ts";

/** More than any message can hold, so that a crafted one cannot fill the memory. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;

/**
 * What a message of Celery says about its task: both of its protocols, as kombu writes them into a
 * queue, with or without its outer base64. `undefined` for anything else; never throws.
 *
 * Arguments in a serializer that only Python reads appear as Python's own text of them.
 */
export function decodeTask(body: string): TaskFacts | undefined {
  const envelope = parseObject(body) ?? parseObject(fromBase64(body).toString());
  if (envelope === undefined) return undefined;
  const headers = fieldsOf(envelope.headers);
  const content = decodeContent(envelope, headers);
  return typeof headers.task === "string"
    ? secondProtocol(headers, content)
    : firstProtocol(fieldsOf(content));
}

function secondProtocol(headers: JsonObject, content: unknown): TaskFacts | undefined {
  if (Array.isArray(content)) return factsOf({ ...headers, args: content[0], kwargs: content[1] });
  const texts = [headers.argsrepr, headers.kwargsrepr].filter((text) => typeof text === "string");
  return factsOf({ ...headers, args: texts });
}

function firstProtocol(content: JsonObject): TaskFacts | undefined {
  return factsOf({ ...content, group: content.group ?? content.taskset });
}

function factsOf(fields: JsonObject): TaskFacts | undefined {
  const { id, task, args, kwargs, retries } = fields;
  if (typeof id !== "string" || typeof task !== "string") return undefined;
  return {
    id,
    name: task,
    args: Array.isArray(args) ? args : [],
    kwargs: fieldsOf(kwargs),
    retries: typeof retries === "number" ? retries : 0,
    rootId: textIn(fields.root_id),
    parentId: textIn(fields.parent_id),
    groupId: textIn(fields.group),
    eta: textIn(fields.eta),
    expires: textIn(fields.expires),
  };
}

/** The deserialized inner body; `undefined` where only Python could read it. */
function decodeContent(envelope: JsonObject, headers: JsonObject): unknown {
  if (typeof envelope.body !== "string") return undefined;
  const encoded = fieldsOf(envelope.properties).body_encoding === "base64";
  const bytes = encoded ? fromBase64(envelope.body) : Buffer.from(envelope.body);
  return parseJson(inflated(bytes, headers.compression).toString());
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

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, "base64");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
