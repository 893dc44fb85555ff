import { contentOf, fieldsOf, readEnvelope } from "./_envelope.ts";
import type { JsonObject } from "./_json.ts";
import type { TaskFacts } from "./fact.ts";

/**
 * What a message of Celery says about its task: both of its protocols, as kombu writes them into a
 * queue, with or without its outer base64. `undefined` for anything else; never throws.
 *
 * Arguments in a serializer that only Python reads appear as Python's own text of them.
 */
export function decodeTask(body: string): TaskFacts | undefined {
  const envelope = readEnvelope(body);
  if (envelope === undefined) return undefined;
  const { headers } = envelope;
  // Anything but JSON only Python could read.
  const content = parseJson(contentOf(envelope) ?? "");
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
    repeatsId: textIn(fields.repeats_id),
    eta: textIn(fields.eta),
    expires: textIn(fields.expires),
  };
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
