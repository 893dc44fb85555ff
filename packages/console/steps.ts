import type { Attempt, TaskRecord } from "../task-history/task-record.ts";
import { reasonFor } from "./reasons.ts";
import type { Step } from "./source.ts";

/** Waits that are shorter say nothing. */
export const SHORTEST_MS = 100;

/** What the steps of a task depend on beside the task. */
export interface StepContext {
  /** Celery's name of its queue. */
  readonly queue?: string;
  /** How long the queue keeps a message hidden that was received. @default - not known */
  readonly visibilitySeconds?: number;
  readonly now: number;
}

type Waited = Extract<Step, { kind: "waited" }>;
type Ran = Extract<Step, { kind: "ran" }>;

/** What happened to a task, each at the time at which it has begun. */
export function stepsOf(task: TaskRecord, context: StepContext): Step[] {
  const { publishedAt, changedAt, state, dueAt } = task;
  const { queue } = context;
  const sent: Step[] =
    publishedAt === undefined ? [] : [{ kind: "sent", at: publishedAt, ...(queue && { queue }) }];
  const isOver = ENDS.has(state) && dueAt === undefined;
  const ended: Step[] = isOver ? [{ kind: "ended", at: changedAt, state }] : [];
  const between = [...waitedSteps(task, context), ...ranSteps(task, context)];
  return [...sent, ...between.sort((one, other) => one.at - other.at), ...ended];
}

const ENDS: ReadonlySet<TaskRecord["state"]> = new Set([
  ...(["ok", "failed", "revoked", "dead", "expired", "done"] as const),
]);

/** What it has waited for, as long as that says anything. */
function waitedSteps({ waits, attempts }: TaskRecord, context: StepContext): Waited[] {
  return waits
    .filter(({ from, to }) => to - from >= SHORTEST_MS)
    .map((wait) => {
      const reason = reasonFor(wait.cause, context.queue);
      const mayRunTwice = wait.cause === "hidden" && attempts.some((one) => isUnder(one, wait.to));
      return {
        ...{ ...wait, kind: "waited", at: wait.from },
        reason: mayRunTwice ? { ...reason, mayRunTwice } : reason,
      };
    });
}

/** Its executions. */
function ranSteps({ attempts }: TaskRecord, context: StepContext): Ran[] {
  return attempts.map((attempt) => ({
    ...{ kind: "ran", at: attempt.startedAt, attempt },
    ...(isTooLong(attempt, context) && { mayRunTwice: true }),
  }));
}

/** Whether it began before a time, and went on after that. */
function isUnder({ startedAt, endedAt = Number.POSITIVE_INFINITY }: Attempt, at: number): boolean {
  return startedAt < at && at < endedAt;
}

/** Whether the queue hands the message out again while it runs. */
function isTooLong(
  { startedAt, endedAt }: Attempt,
  { visibilitySeconds = Number.POSITIVE_INFINITY, now }: StepContext,
): boolean {
  return (endedAt ?? now) - startedAt > visibilitySeconds * 1000;
}
