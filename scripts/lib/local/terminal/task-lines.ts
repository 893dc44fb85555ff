import type { TaskRecord } from "../../../../packages/local-cloud/events/task-record.ts";
import { harmless } from "../../../../packages/local-cloud/support/harmless.ts";
import { clip, clipStart, formatDuration, formatTime } from "./style.ts";
import { formatArguments } from "./task-text.ts";

const STATE_WIDTH = 8;
const NAME_WIDTH = 26;
const ARGUMENTS_WIDTH = 32;

/** A task as one line of a list. */
export function formatTask(task: TaskRecord): string {
  const { changedAt, state, name = "message", id, attempts, error, dueAt } = task;
  const count = attempts.at(-1)?.number ?? 0;
  const notes = [
    count > 1 ? `#${count}` : "",
    dueAt === undefined ? "" : `due ${formatTime(dueAt)}`,
    runTime(task),
    harmless(error ? `${error.type}: ${error.message}` : (attempts.at(-1)?.reason ?? "")),
  ];
  return [
    formatTime(changedAt),
    state.padEnd(STATE_WIDTH),
    clipStart(harmless(name), NAME_WIDTH).padEnd(NAME_WIDTH),
    clip(formatArguments(task), ARGUMENTS_WIDTH).padEnd(ARGUMENTS_WIDTH),
    harmless(id),
    notes.filter(Boolean).join("  "),
  ]
    .join(" ")
    .trimEnd();
}

function runTime({ attempts }: TaskRecord): string {
  const { startedAt = 0, endedAt = 0 } = attempts.at(-1) ?? {};
  return endedAt > 0 ? `run ${formatDuration(endedAt - startedAt)}` : "";
}
