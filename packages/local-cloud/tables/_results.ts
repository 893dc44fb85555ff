import type { Stored } from "../events/event.ts";
import type { Change } from "./_engine.ts";

/** Celery writes the key as Python prints bytes: `b'celery-task-meta-<id>'`. */
const KEY = /celery-task-meta-([^']+)/;

/** The task's result that an item holds, if it is one of Celery's. */
export function storedResult({ table, item }: Change): Stored | undefined {
  const [, taskId] = String(item?.id?.S ?? "").match(KEY) ?? [];
  const { status, result, traceback } = decode(item?.result?.B);
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

/** Another serializer than JSON leaves nothing to be read. */
function decode(base64: unknown): Record<string, unknown> {
  try {
    const meta: unknown = JSON.parse(Buffer.from(String(base64), "base64").toString());
    return typeof meta === "object" && meta !== null ? (meta as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
