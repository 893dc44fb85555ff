import type { Stored } from "../events/event.ts";
import { parseObject } from "../support/json.ts";
import type { ItemChange } from "./_engine.ts";

/** Celery writes the key as Python prints bytes: `b'celery-task-meta-<id>'`. */
const KEY = /celery-task-meta-([^']+)/;

/** The task's result that an item holds, if it is one of Celery's. */
export function storedResult({ table, item }: ItemChange): Stored | undefined {
  const [, taskId] = String(item?.id?.S ?? "").match(KEY) ?? [];
  // Another serializer than JSON leaves nothing to be read.
  const meta = parseObject(Buffer.from(String(item?.result?.B), "base64").toString());
  const { status, result, traceback } = meta ?? {};
  if (taskId === undefined || typeof status !== "string") return undefined;
  return {
    type: "stored",
    table,
    taskId,
    state: status,
    ...(result !== undefined && { result }),
    ...(typeof traceback === "string" && { traceback }),
  };
}
