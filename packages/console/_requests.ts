import * as v from "valibot";
import { isObject, type JsonObject } from "../local-cloud/support/json.ts";
import type { Action, ListFilter } from "./source.ts";

const MAX_LIMIT = 10_000;

const text = v.pipe(v.string(), v.minLength(1));
const texts = v.pipe(v.array(text), v.minLength(1));

/** `record` takes a list for one. */
const object = v.custom<JsonObject>(isObject, "no object");

const ACTION = v.variant("kind", [
  v.strictObject({ kind: v.literal("again"), id: text }),
  v.strictObject({
    ...{ kind: v.literal("run"), id: text },
    ...{ args: v.array(v.unknown()), kwargs: object },
  }),
  v.strictObject({ kind: v.picklist(["redrive", "delete"]), messageIds: texts }),
  v.strictObject({ kind: v.literal("fire"), timer: text }),
  v.strictObject({ kind: v.picklist(["pause", "resume", "step"]) }),
]);

const whole = v.pipe(v.string(), v.regex(/^\d{1,15}$/, "no whole number"), v.transform(Number));
const FILTER = v.object({
  show: v.optional(v.picklist(["all", "waiting", "running", "failed", "dead"])),
  search: v.optional(v.string()),
  before: v.optional(whole),
  limit: v.optional(v.pipe(whole, v.minValue(1), v.maxValue(MAX_LIMIT))),
});

/** What somebody asks for is not what can be asked for; a person reads the message. */
export class BadRequest extends Error {}

/** @throws BadRequest for a body that is none of the actions */
export function readAction(body: string): Action {
  return parse(v.pipe(v.string(), v.parseJson(), ACTION), body);
}

/** @throws BadRequest for a value that a filter cannot have */
export function readFilter(query: URLSearchParams): ListFilter {
  return parse(FILTER, Object.fromEntries(query));
}

function parse<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new BadRequest(path === null ? issue.message : `${path}: ${issue.message}`);
}
