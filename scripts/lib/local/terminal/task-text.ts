import { relative } from "node:path";
import type { TaskRecord } from "../../../../packages/local-cloud/events/task-record.ts";
import { harmless } from "../../../../packages/local-cloud/support/harmless.ts";
import { fieldsOf } from "../../shell/json.ts";

/** The arguments in one line, as they would be written: `7 user={"id":8}`. */
export function formatArguments({ args, kwargs }: Pick<TaskRecord, "args" | "kwargs">): string {
  const named = Object.entries(kwargs).map(([name, value]) => `${name}=${formatValue(value)}`);
  return harmless([...args.map(formatValue), ...named].join(" "));
}

// Celery's JSON of dates, decimals and the like: { "__type__": "datetime", "__value__": "2026-…" }.
function formatValue(value: unknown): string {
  const { __value__: inner } = fieldsOf(value);
  return JSON.stringify(inner ?? value) ?? "null";
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
