import { inflateSync } from "node:zlib";
import type { TaskFacts } from "./event.ts";

type Fields = Readonly<Record<string, unknown>>;

/** More than any message can hold, so that a crafted one cannot fill the memory. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;

/**
 * What a message of Celery says about its task: both of its protocols, as kombu writes them into a
 * queue, with or without its outer base64. `undefined` for anything else; never throws.
 *
 * Arguments in a serializer that only Python reads appear as Python's own text of them.
 */
export function decodeTask(body: string): TaskFacts | undefined {
  const envelope = parseFields(body) ?? parseFields(fromBase64(body).toString());
  if (envelope === undefined) return undefined;
  const headers = fieldsOf(envelope.headers);
  const content = decodeContent(envelope, headers);
  return typeof headers.task === "string"
    ? secondProtocol(headers, content)
    : firstProtocol(fieldsOf(content));
}

function secondProtocol(headers: Fields, content: unknown): TaskFacts | undefined {
  if (Array.isArray(content)) return factsOf({ ...headers, args: content[0], kwargs: content[1] });
  const texts = [headers.argsrepr, headers.kwargsrepr].filter((text) => typeof text === "string");
  return factsOf({ ...headers, args: texts });
}

function firstProtocol(content: Fields): TaskFacts | undefined {
  return factsOf({ ...content, group: content.group ?? content.taskset });
}

function factsOf(fields: Fields): TaskFacts | undefined {
  const { id, task, args, kwargs, retries } = fields;
  if (typeof id !== "string" || typeof task !== "string") return undefined;
  return {
    id,
    name: task,
    args: Array.isArray(args) ? args : [],
    kwargs: fieldsOf(kwargs),
    retries: typeof retries === "number" ? retries : 0,
    ...optionalText("rootId", fields.root_id),
    ...optionalText("parentId", fields.parent_id),
    ...optionalText("groupId", fields.group),
    ...optionalText("eta", fields.eta),
    ...optionalText("expires", fields.expires),
  };
}

/** The deserialized inner body; `undefined` where only Python could read it. */
function decodeContent(envelope: Fields, headers: Fields): unknown {
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

function optionalText<Name extends string>(name: Name, value: unknown): { [key in Name]?: string } {
  return typeof value === "string" ? ({ [name]: value } as { [key in Name]: string }) : {};
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, "base64");
}

function parseFields(text: string): Fields | undefined {
  const value = parseJson(text);
  return isFields(value) ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
