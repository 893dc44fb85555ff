import {
  formatArguments,
  formatError,
  formatQueue,
  type QueueNames,
} from "../../../packages/console/task-text.ts";
import { harmless } from "../../../packages/local-cloud/support/harmless.ts";
import type { TaskRecord } from "../../../packages/task-history/task-record.ts";
import { clip, clipStart, formatDuration, formatMoment, formatTime } from "../shell/style.ts";
import { formatWaits } from "./wait-words.ts";

const STATE_WIDTH = 8;
const NAME_WIDTH = 26;
const ARGUMENTS_WIDTH = 32;

/**
 * A task as one line of a list: when it changed last, what it is, and what it has waited for.
 *
 * @param now a line of another day has its date
 */
export function formatTask(task: TaskRecord, queues: QueueNames, now = task.changedAt): string {
  const { changedAt, state, name = "message", id, attempts, error, dueAt } = task;
  const count = attempts.at(-1)?.number ?? 0;
  const notes = [
    count > 1 ? `#${count}` : "",
    dueAt === undefined ? "" : `due ${formatTime(dueAt)}`,
    formatWaits(task),
    runTime(task),
    formatQueue(task, queues),
    harmless(error ? formatError(error) : (attempts.at(-1)?.reason ?? "")),
  ];
  return [
    formatMoment(changedAt, now),
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
