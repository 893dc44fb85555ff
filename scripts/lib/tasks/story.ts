import type { Step } from "../../../packages/console/source.ts";
import { stepsOf } from "../../../packages/console/steps.ts";
import {
  formatArguments,
  formatError,
  type QueueNames,
} from "../../../packages/console/task-text.ts";
import { harmless } from "../../../packages/local-cloud/support/harmless.ts";
import { formatJson } from "../../../packages/local-cloud/support/json.ts";
import type { Attempt, TaskRecord } from "../../../packages/task-history/task-record.ts";
import { formatDuration, formatMoment, formatTime } from "../shell/style.ts";
import { familyLines } from "./family.ts";
import { describeState, describeWait } from "./wait-words.ts";

const LABEL_WIDTH = 10;

/** What a task's story depends on beside the task. */
export interface StoryContext {
  readonly queues: QueueNames;
  /** Tasks that descend from the same root, itself among them. */
  readonly family: readonly TaskRecord[];
  readonly now: number;
}

/** The whole story of a task, for a person: nothing of it is cut. */
export function formatStory(task: TaskRecord, { queues, family, now }: StoryContext): string[] {
  const { id, name = "message", state, dueAt, queue, publishedAt, repeatsId, error, result } = task;
  const queueName = queues.get(queue ?? "");
  const due = dueAt === undefined ? "" : `, due ${formatMoment(dueAt, now)}`;
  const why = describeState({ state, queue: queueName });
  return [
    `${harmless(name)}  ${harmless(id)}`,
    ...fact("state", `${state}${due}`),
    ...fact("why", why),
    ...fact("arguments", formatArguments(task)),
    ...fact("queue", harmless(queueName ?? "")),
    ...fact("sent", publishedAt === undefined ? "" : formatMoment(publishedAt, now)),
    ...fact("repeats", harmless(repeatsId ?? "")),
    ...section("what happened", course(task, queueName, now)),
    ...section("result", result === undefined ? [] : [formatJson(result)]),
    ...section("error", error === undefined ? [] : [harmless(formatError(error))]),
    ...section("traceback", (error?.traceback ?? "").split("\n").filter(Boolean).map(harmless)),
    ...section(
      "log",
      task.log.map(({ at, level, message }) => logLine(at, level, message)),
    ),
    ...section("family", familyLines(task, family)),
  ];
}

function fact(label: string, text: string): string[] {
  return text === "" ? [] : [`  ${label.padEnd(LABEL_WIDTH)} ${text}`];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `  ${title}`, ...lines.map((line) => `    ${line}`)];
}

/** Waits and attempts, each at the time at which it has begun. */
function course(task: TaskRecord, queue: string | undefined, now: number): string[] {
  return stepsOf(task, { queue, now }).flatMap((step) => {
    const text = describeStep(step);
    return text === undefined ? [] : [`${formatMoment(step.at, now)}  ${text}`];
  });
}

function describeStep(step: Step): string | undefined {
  if (step.kind === "waited") return describeWait(step);
  return step.kind === "ran" ? describeAttempt(step.attempt) : undefined;
}

function describeAttempt(attempt: Attempt): string {
  const { number, delivery, by, container, startedAt, endedAt } = attempt;
  const where = by === "client" ? "by a worker that is no container" : (container ?? "");
  const took = endedAt === undefined ? "runs" : `ran ${formatDuration(endedAt - startedAt)}`;
  const parts = [
    `attempt ${number} ${took}`,
    delivery > 1 ? `delivery ${delivery}` : "",
    harmless(where),
    harmless(verdictOf(attempt)),
  ];
  return parts.filter(Boolean).join(", ");
}

function verdictOf({ state, outcome, reason, status, error }: Attempt): string {
  const answer = status === undefined || (status >= 200 && status < 300) ? "" : `answer ${status}`;
  const verdict = [state ?? outcome, reason, answer].filter(Boolean).join(" ");
  return error ? `${verdict}: ${formatError(error)}` : verdict;
}

function logLine(at: number, level: string, message: string): string {
  return `${formatTime(at)} ${level.padEnd(7)} ${harmless(message)}`;
}
