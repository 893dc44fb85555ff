import { contentOf, type Envelope, readEnvelope } from "./_envelope.ts";

/** Arguments in place of those of a message. */
export interface NewArguments {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** Of what a task has done so far, and of those that it belongs to. */
const OF_ITS_LIFE = {
  ...{ retries: 0, eta: null, expires: null },
  ...{ parent_id: null, group: null, group_index: null },
} as const;
/** What follows it: the rest of a chain, a chord's body, callbacks. */
const NOTHING_FOLLOWS = { callbacks: null, errbacks: null, chain: null, chord: null } as const;
const JSON_TYPE = "application/json";

/**
 * The message of a task that is run once more, as a task of its own that begins now: with another id, as
 * its own root, without its delay, its expiry, its retries so far, its group, and whatever follows it. Its
 * header `repeats_id`, which is ours, names the task that it repeats.
 * Everything else is as it was; the arguments byte by byte, unless there are others.
 *
 * @throws Error with why that is not possible, for a person
 */
export function repeatTask(body: string, id: string, given?: NewArguments): string {
  const envelope = readRepeatable(body);
  const [args = "[]", kwargs = "{}", embed = "{}"] = partsOf(envelope);
  const { fields, properties, isEncoded } = envelope;
  const { DelaySeconds: _, ...kept } = properties;
  const isAsItWas = given === undefined && !hasFollowers(embed);
  const parts = given
    ? [given.args, given.kwargs].map((part) => JSON.stringify(part))
    : [args, kwargs];
  const content = `[${[...parts, JSON.stringify(NOTHING_FOLLOWS)].join(", ")}]`;
  const newIds = { id, root_id: id, repeats_id: envelope.headers.id };
  const text = JSON.stringify({
    ...fields,
    ...(!isAsItWas && { body: encode(content, properties) }),
    headers: { ...headersOf(envelope, { isAsItWas, given }), ...OF_ITS_LIFE, ...newIds },
    properties: { ...kept, correlation_id: id },
  });
  return isEncoded ? Buffer.from(text).toString("base64") : text;
}

/** Why a task's message cannot be sent once more, for a person; `undefined` where it can. */
export function whyNotRepeatable(body: string): string | undefined {
  try {
    partsOf(readRepeatable(body));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function readRepeatable(body: string): Envelope {
  const envelope = readEnvelope(body);
  if (envelope === undefined) throw new Error("Its message is not Celery's.");
  if (typeof envelope.headers.task !== "string") {
    throw new Error("Its message is of Celery's first protocol, which is not sent anew.");
  }
  const { "content-type": type } = envelope.fields;
  if (type !== JSON_TYPE) {
    throw new Error(`Its arguments are ${type}, which only Python reads. JSON can be sent anew.`);
  }
  return envelope;
}

/** The texts of arguments, keyword arguments, and what follows. */
function partsOf(envelope: Envelope): string[] {
  const parts = elementsOf(contentOf(envelope) ?? "");
  if (parts.length === 3) return parts;
  throw new Error("Its body is not what Celery writes: arguments, keyword arguments, and more.");
}

/** The texts of a JSON list's elements, as they are written; none for anything else. */
function elementsOf(text: string): string[] {
  if (!isList(text)) return [];
  const elements: string[] = [];
  let depth = 0;
  let start = 0;
  // A text in quotes is one, whatever is in it.
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},]/gs)) {
    const isEnd = depth === 1 && (token === "," || token === "]");
    if (isEnd) elements.push(text.slice(start, index).trim());
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (isEnd || start === 0) start = index + 1;
  }
  return elements;
}

function isList(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

function hasFollowers(embed: string): boolean {
  const value: unknown = JSON.parse(embed);
  return Object.values(value ?? {}).some((follower) => follower !== null);
}

function encode(content: string, { body_encoding: encoding }: Envelope["properties"]): string {
  return encoding === "base64" ? Buffer.from(content).toString("base64") : content;
}

/** Without what is true of the old body only. */
function headersOf(
  { headers }: Envelope,
  { isAsItWas, given }: { readonly isAsItWas: boolean; readonly given: NewArguments | undefined },
) {
  const { argsrepr, kwargsrepr, compression, ...rest } = headers;
  return {
    ...rest,
    ...(given === undefined && { argsrepr, kwargsrepr }),
    ...(isAsItWas && { compression }),
  };
}
