import type { Construct } from "constructs";
import { tryReadFile } from "./_files.ts";
import { collectRefusals, type Refuse } from "./_refusal.ts";
import { checkTimer } from "./timer-trigger.ts";

const NAME = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** One entry of a schedule file. */
export interface ScheduledTimer {
  /** Lowercase letters, digits and hyphens: it becomes the end of the trigger's name. */
  readonly name: string;
  /** Yandex's dialect, UTC. */
  readonly cron: string;
  /** What the worker gets, up to 4096 characters. */
  readonly payload: string;
}

/**
 * Reads a schedule file that `python -m celery_push_worker schedule -o schedule.json` wrote. What is
 * wrong with it is told with everything else at synth, and there are no timers then.
 *
 * @param path relative to the folder in which the program runs
 */
export function readSchedule(scope: Construct, path: string): ScheduledTimer[] {
  const text = tryReadFile(path);
  const problems = scheduleProblems(text, path);
  scope.node.addValidation({ validate: () => problems });
  return text === undefined || problems.length > 0 ? [] : parseSchedule(text, path);
}

/**
 * The timers of a schedule file.
 *
 * @throws Error with every problem of the file, each on a line that names the entry
 */
export function parseSchedule(text: string, path: string): ScheduledTimer[] {
  const problems = scheduleProblems(text, path);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return (parseJson(text) as { timers: ScheduledTimer[] }).timers.map(
    ({ name, cron, payload }) => ({ name, cron, payload }),
  );
}

/** Everything that is wrong with a schedule file; `undefined` stands for one that is missing. */
export function scheduleProblems(text: string | undefined, path: string): string[] {
  return collectRefusals((refuse) =>
    text === undefined
      ? refuseMissing(path, refuse)
      : checkSchedule(parseJson(text), (when, refusal) =>
          refuse(when, { ...refusal, field: `${path}: ${refusal.field}` }),
        ),
  );
}

function refuseMissing(path: string, refuse: Refuse): void {
  refuse(true, {
    field: "schedule",
    value: path,
    allowed: "a file that can be read",
    fix: `Write it: python -m celery_push_worker schedule -o ${path}`,
  });
}

function checkSchedule(file: unknown, refuse: Refuse): void {
  const { version, timers } = isRecord(file) ? file : {};
  refuse(version !== 1, {
    field: "version",
    value: version ?? null,
    allowed: "1, in a JSON object",
    fix: "Write the file anew with the worker package of this project",
  });
  refuse(!Array.isArray(timers), {
    field: "timers",
    value: timers ?? null,
    allowed: "a list",
    fix: "Write the file anew with the worker package of this project",
  });
  if (Array.isArray(timers)) checkTimers(timers, refuse);
}

function checkTimers(timers: readonly unknown[], refuse: Refuse): void {
  const seen = new Set<unknown>();
  for (const [index, timer] of timers.entries()) {
    refuse(!isTimer(timer), {
      field: `timers[${index}]`,
      value: timer,
      allowed: "an object with the texts name, cron and payload",
      fix: "Write the file anew with the worker package of this project",
    });
    if (!isTimer(timer)) continue;
    refuse(seen.has(timer.name), {
      field: `timers[${index}].name`,
      value: timer.name,
      allowed: "each name once",
      fix: "Rename one of the entries",
    });
    seen.add(timer.name);
    checkEntry(timer, refuse);
  }
}

function checkEntry(timer: ScheduledTimer, refuse: Refuse): void {
  refuse(!NAME.test(timer.name), {
    field: `${timer.name}.name`,
    value: timer.name,
    allowed: "lowercase letters, digits and hyphens, no hyphen first or last",
    fix: "Rename the entry",
  });
  checkTimer(timer, (when, refusal) =>
    refuse(when, { ...refusal, field: `${timer.name}.${refusal.field}` }),
  );
}

function isTimer(value: unknown): value is ScheduledTimer {
  return isRecord(value) && [value.name, value.cron, value.payload].every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** `undefined` when the text is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
