import * as v from "valibot";
import { parseObject } from "../../../packages/local-cloud/support/json.ts";
import { errorOf, type StoredResult } from "../../../packages/task-history/celery-error.ts";
import type { Fact } from "../../../packages/task-history/fact.ts";
import { call, failure, type TableOptions } from "./results-table.ts";

/** Items of one request. */
const MAX_ITEMS = 100;
const RETRY_MS = 250;
const MAX_RETRY_MS = 4000;

/** What Celery has recorded of a task. */
export interface RecordedResult extends StoredResult {
  /** When, in milliseconds since the epoch; 0 where it does not say. */
  readonly at: number;
}

/**
 * What is recorded of tasks, by their ids; nothing of those of which nothing is, or in another
 * serializer than JSON.
 */
export async function readResults(
  options: TableOptions,
  taskIds: readonly string[],
): Promise<ReadonlyMap<string, RecordedResult>> {
  const wanted = [...new Set(taskIds)].flatMap((id) => keysOf(id).map((key) => [key, id] as const));
  const found = new Map<string, RecordedResult>();
  for (let from = 0; from < wanted.length; from += MAX_ITEMS) {
    const some = new Map(wanted.slice(from, from + MAX_ITEMS));
    for (const { id, result } of await readItems(options, [...some.keys()])) {
      const taskId = some.get(id.S);
      const recorded = parseResult(Buffer.from(result?.B ?? "", "base64").toString());
      if (taskId !== undefined && recorded) found.set(taskId, recorded);
    }
  }
  return found;
}

/** A recorded result as a fact of its task. */
export function resultFact(taskId: string, { at, ...recorded }: RecordedResult): Fact {
  const { state, result } = recorded;
  const error = errorOf(recorded);
  return {
    ...{ id: `result/${taskId}/${state}/${at}`, at, kind: "stored", taskId, state },
    ...(error ? { error } : { result }),
  };
}

const batchSchema = v.object({
  Responses: v.optional(
    v.record(
      v.string(),
      v.array(
        v.object({
          id: v.object({ S: v.string() }),
          result: v.optional(v.object({ B: v.string() })),
        }),
      ),
    ),
    {},
  ),
  UnprocessedKeys: v.optional(v.record(v.string(), v.unknown()), {}),
});

async function readItems(options: TableOptions, keys: readonly string[]) {
  const { table, system } = options;
  const found = [];
  let request: Readonly<Record<string, unknown>> = {
    [table]: { Keys: keys.map((key) => ({ id: { S: key } })) },
  };
  for (let wait = RETRY_MS; ; wait = Math.min(2 * wait, MAX_RETRY_MS)) {
    const answer = await call(options, "BatchGetItem", { RequestItems: request });
    // Whoever keeps results elsewhere may have no table.
    if (answer.error === "ResourceNotFoundException") return [];
    if (answer.error) throw failure(answer);
    const { Responses, UnprocessedKeys } = v.parse(batchSchema, answer.body);
    found.push(...(Responses[table] ?? []));
    if (Object.keys(UnprocessedKeys).length === 0) return found;
    request = UnprocessedKeys;
    await system.sleep(wait);
  }
}

// Celery writes keys as Python prints bytes; a release that no longer does is to be found, too.
function keysOf(taskId: string): string[] {
  const key = `celery-task-meta-${taskId}`;
  return [`b'${key}'`, key];
}

function parseResult(text: string): RecordedResult | undefined {
  const { status: state, result, traceback, date_done: done } = parseObject(text) ?? {};
  if (typeof state !== "string") return undefined;
  return {
    ...{ state, result, at: timeIn(done) },
    ...(typeof traceback === "string" && { traceback }),
  };
}

/** Celery's own time without an offset is UTC. */
function timeIn(done: unknown): number {
  const text = typeof done === "string" ? done : "";
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(time) ? 0 : time;
}
