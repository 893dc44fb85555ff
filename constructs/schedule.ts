import type { Construct } from "constructs";
import * as v from "valibot";
import { tryReadFile } from "./_files.ts";
import { collectRefusals, type Refuse } from "./_refusal.ts";
import { checkTimer } from "./timer-trigger.ts";

const NAME = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** What `python -m celery_push_worker schedule -o schedule.json` writes. */
const fileSchema = v.object({
  version: v.literal(1),
  timers: v.array(v.object({ name: v.string(), cron: v.string(), payload: v.string() })),
});

/** One timer: the end of the trigger's name, its schedule in UTC, and what the worker gets. */
export type ScheduledTimer = v.InferOutput<typeof fileSchema>["timers"][number];

const DATABASE = "database";

/** The worker knows the payload, and its checks the name. */
const EACH_MINUTE: ScheduledTimer = {
  name: "schedule",
  cron: "* * * * ? *",
  payload: JSON.stringify({ schedule: DATABASE }),
};

/**
 * The timers of a schedule file, or the one that has the worker ask the tables of django-celery-beat.
 * What is wrong with a file is reported with everything else at synth, and there are no timers then.
 *
 * @param schedule "database", or a path relative to the folder in which the program runs
 */
export function readSchedule(scope: Construct, schedule: string): readonly ScheduledTimer[] {
  return schedule === DATABASE ? [EACH_MINUTE] : readFile(scope, schedule);
}

function readFile(scope: Construct, path: string): readonly ScheduledTimer[] {
  const text = tryReadFile(path);
  const file = v.safeParse(fileSchema, parseJson(text));
  const problems = collectRefusals((refuse) => {
    const inFile: Refuse = (when, refusal) =>
      refuse(when, { ...refusal, field: `${path}: ${refusal.field}` });
    if (text === undefined) refuseMissing(path, refuse);
    else if (file.success) checkTimers(file.output.timers, inFile);
    else for (const issue of file.issues) refuseShape(issue, inFile);
  });
  scope.node.addValidation({ validate: () => problems });
  return file.success && problems.length === 0 ? file.output.timers : [];
}

function refuseMissing(path: string, refuse: Refuse): void {
  refuse(true, {
    field: "schedule",
    value: path,
    allowed: "a file that can be read",
    fix: `Write it: python -m celery_push_worker schedule -o ${path}`,
  });
}

function refuseShape(issue: v.BaseIssue<unknown>, refuse: Refuse): void {
  refuse(true, {
    field: v.getDotPath(issue) ?? "the file",
    value: issue.input ?? null,
    allowed: String(issue.expected),
    fix: "Write the file again with the worker package of this project",
  });
}

function checkTimers(timers: readonly ScheduledTimer[], refuse: Refuse): void {
  for (const [index, timer] of timers.entries()) {
    const { name } = timer;
    refuse(timers.findIndex((other) => other.name === name) < index, {
      field: `timers.${index}.name`,
      value: name,
      allowed: "each name once",
      fix: "Rename one of the entries",
    });
    refuse(!NAME.test(name), {
      field: `${name}.name`,
      value: name,
      allowed: "lowercase letters, digits and hyphens, no hyphen first or last",
      fix: "Rename the entry",
    });
    checkTimer(timer, (when, refusal) =>
      refuse(when, { ...refusal, field: `${name}.${refusal.field}` }),
    );
  }
}

/** `undefined` where there is no text, or it is not JSON. */
function parseJson(text = ""): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
