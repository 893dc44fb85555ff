import { isObject, type JsonObject } from "./_json.ts";
import type { Ended, Fact, FactStamp, TaskFacts } from "./fact.ts";
import type { LogEntry } from "./log-entry.ts";
import type { LogLine, TaskError } from "./task-record.ts";

/** Has written the line of each message (docs/worker.md, "Log"). */
const WORKER = "celery_push_worker";
/** Outcomes after which the trigger deletes the message (docs/worker.md, "Responses"). */
const TAKEN: ReadonlySet<string> = new Set(["done", "delayed", "duplicate"]);

const LEVELS: Readonly<Record<string, LogLine["level"]>> = {
  TRACE: "debug",
  DEBUG: "debug",
  INFO: "info",
  WARN: "warning",
  ERROR: "error",
  FATAL: "error",
};

/**
 * What an entry of a stage's log says about tasks: the worker's line of a message is its whole delivery,
 * any other line with a task's or a message's id is one of the task's. Nothing of a line that is
 * somebody else's, or not in the shape that it should have.
 */
export function factsOfLogEntry(entry: LogEntry): Fact[] {
  const at = Date.parse(entry.timestamp);
  const fields = isObject(entry.json_payload) ? entry.json_payload : {};
  const ids = { taskId: textIn(fields.task_id), messageId: textIn(fields.message_id) };
  if (Number.isNaN(at) || (ids.taskId === undefined && ids.messageId === undefined)) return [];
  // A line about what a timer published has its event's id, not a message's.
  if (fields.entry !== undefined) return [];
  return [
    { id: entry.uid, at, ...ids, kind: "logged", ...lineOf(entry) },
    ...raised(entry, at, ids.taskId, fields),
    ...(ids.messageId === undefined ? [] : delivered(entry, at, ids.messageId, fields)),
  ];
}

function lineOf({ level, message }: LogEntry): Omit<LogLine, "at"> {
  return { level: LEVELS[level ?? ""] ?? "info", message: message ?? "" };
}

/** Celery's line about an exception, with its traceback. */
function raised(
  { uid }: LogEntry,
  at: number,
  taskId: string | undefined,
  fields: JsonObject,
): Fact[] {
  const traceback = textIn(fields.exception);
  if (taskId === undefined || traceback === undefined) return [];
  if (textIn(fields.logger)?.startsWith("celery.") !== true) return [];
  return [{ id: `${uid}/raised`, at, taskId, kind: "raised", error: errorIn(traceback) }];
}

function delivered(
  { timestamp, resource }: LogEntry,
  at: number,
  messageId: string,
  fields: JsonObject,
): Fact[] {
  const outcome = textIn(fields.outcome);
  if (fields.logger !== WORKER || outcome === undefined) return [];
  const taskId = textIn(fields.task_id);
  const startedAt = at - Math.round(secondsIn(fields.duration_seconds) * 1000);
  // The same delivery has the same request, however often its line was written.
  const delivery = `${messageId}/${textIn(fields.request_id) ?? timestamp}`;
  const stamp = (order: number, time: number): FactStamp & { readonly messageId: string } => ({
    ...{ id: `${delivery}/${order}`, at: time, order, taskId, messageId },
  });
  return [
    {
      ...{ ...stamp(0, sentIn(fields, startedAt)), kind: "sent" },
      ...{ queue: textIn(fields.queue), task: taskIn(fields) },
    },
    {
      ...{ ...stamp(1, startedAt), kind: "started", by: "trigger", container: resource?.id },
      delivery: countIn(fields.receive_count),
    },
    { ...stamp(2, at), kind: "ended", outcome, ...endIn(fields, at) },
    ...(TAKEN.has(outcome) ? [{ ...stamp(3, at), kind: "deleted" as const }] : []),
  ];
}

/** When the message came into its queue, at the latest when it was begun. */
function sentIn(fields: JsonObject, startedAt: number): number {
  const said = Date.parse(textIn(fields.sent_at) ?? "");
  const waited = Math.round(secondsIn(fields.queue_latency_seconds) * 1000);
  return Math.min(startedAt, Number.isNaN(said) ? startedAt - waited : said);
}

function taskIn(fields: JsonObject): TaskFacts | undefined {
  const id = textIn(fields.task_id);
  const name = textIn(fields.task_name);
  if (id === undefined || name === undefined) return undefined;
  const args = [fields.args, fields.kwargs].flatMap((text) => textIn(text) ?? []);
  return {
    ...{ id, name, retries: (countIn(fields.attempt) ?? 1) - 1 },
    // Python's own text of them, and only where the project has asked for it.
    ...(args.length > 0 && { args, kwargs: {} }),
    rootId: textIn(fields.root_id),
    parentId: textIn(fields.parent_id),
    groupId: textIn(fields.group_id),
    repeatsId: textIn(fields.repeats_id),
    eta: textIn(fields.eta),
  };
}

function endIn(fields: JsonObject, at: number): Omit<Ended, "kind" | "messageId"> {
  const type = textIn(fields.exception_type)?.split(".").at(-1);
  const next = Date.parse(textIn(fields.next_attempt_at) ?? "");
  const dueIn = fields.due_in_seconds;
  return {
    reason: textIn(fields.reason),
    state: textIn(fields.state),
    ...(type !== undefined && { error: { type, message: "" } }),
    ...(typeof dueIn === "number" && { dueAt: at + Math.round(dueIn * 1000) }),
    ...(!Number.isNaN(next) && { dueAt: next }),
  };
}

/** Python ends a traceback with the exception, whose message may have several lines. */
function errorIn(traceback: string): TaskError {
  const lines = traceback.split("\n");
  const end = lines
    .slice(lines.findLastIndex((line) => line.startsWith("  ")) + 1)
    .join("\n")
    .trim();
  const [, type = "Error", message = ""] = /^([\w.]+)(?:: ([\s\S]*))?$/.exec(end) ?? [];
  return { type: type.split(".").at(-1) ?? type, message, traceback };
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A whole number, 1 or more. */
function countIn(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : undefined;
}

function secondsIn(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
