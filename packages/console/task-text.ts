import { relative } from "node:path";
import { harmless } from "../local-cloud/support/harmless.ts";
import { isObject } from "../local-cloud/support/json.ts";
import type { TaskError, TaskRecord } from "../task-history/task-record.ts";

/**
 * The arguments in one line, as they would be written: `7 user={"id":8}`.
 *
 * @param max characters that are wanted: what comes after so many is not looked at
 */
export function formatArguments(
  { args = [], kwargs = {} }: Partial<Pick<TaskRecord, "args" | "kwargs">>,
  max = Number.POSITIVE_INFINITY,
): string {
  let line = "";
  const add = (text: string) => {
    line += line === "" ? text : ` ${text}`;
    return line.length >= max;
  };
  const isFull = args.some((value) => add(formatValue(value)));
  if (!isFull) Object.entries(kwargs).some(([name, value]) => add(`${name}=${formatValue(value)}`));
  return harmless(line.slice(0, max));
}

/** `ConnectionError: no answer`, as it is. */
export function formatError({ type, message }: Pick<TaskError, "type" | "message">): string {
  return message === "" ? type : `${type}: ${message}`;
}

// Celery's JSON of dates, decimals and the like: { "__type__": "datetime", "__value__": "2026-…" }.
function formatValue(value: unknown): string {
  const inner = isObject(value) ? value.__value__ : undefined;
  return JSON.stringify(inner ?? value) ?? "null";
}

/** Celery's names of the queues beside its default one, by the cloud's. */
export type QueueNames = ReadonlyMap<string, string>;

/** The names as a container is told them: URLs by Celery's names. */
export function queueNames({ SQS_QUEUES = "{}" }: Readonly<Record<string, string>>): QueueNames {
  const urls = Object.entries(JSON.parse(SQS_QUEUES));
  return new Map(urls.map(([name, url]) => [String(url).split("/").at(-1) ?? "", name]));
}

/** `queue heavy`; nothing for the default one, where most tasks are. */
export function formatQueue({ queue = "" }: Pick<TaskRecord, "queue">, names: QueueNames): string {
  const name = names.get(queue);
  return name === undefined ? "" : `queue ${harmless(name)}`;
}

/**
 * Where in the project's own sources an exception was raised, `jobs/tasks.py:77`.
 *
 * @param roots folders of the sources; frames elsewhere are other people's code
 */
export function findLocation(traceback: string, roots: readonly string[]): string | undefined {
  const frames = [...traceback.matchAll(/^ *File "([^"]+)", line (\d+)/gm)].flatMap(
    ([, file = "", line = ""]) => {
      const path = roots.map((root) => relative(root, file)).find(isOwn);
      return path === undefined ? [] : [`${path}:${line}`];
    },
  );
  return frames.at(-1);
}

function isOwn(path: string): boolean {
  return !path.startsWith("..") && !/(^|\/)(site-packages|\.?venv)\//.test(path);
}
