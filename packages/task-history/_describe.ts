import { isRunning, type TrackedTask } from "./_tracked-task.ts";
import type { LogLine, TaskRecord, TaskState, WaitCause } from "./task-record.ts";

const STATES: { readonly [cause in WaitCause]?: TaskState } = {
  delay: "delayed",
  retry: "retrying",
  hidden: "hidden",
};

/** The record as it stands at `now`: a delay ends without anything happening. */
export function describeTask(task: TrackedTask, log: readonly LogLine[], now: number): TaskRecord {
  const { id, facts, queue, publishedAt, changedAt, attemptsBefore, waits, result, error } = task;
  const { name, args = [], kwargs = {}, eta, expires } = facts ?? {};
  const { rootId, parentId, groupId, repeatsId } = facts ?? {};
  const { state, dueAt } = situationAt(situationOf(task), now);
  const attempts = task.attempts.map((attempt, place) => ({
    number: attemptsBefore + place + 1,
    ...attempt,
  }));
  return {
    ...{ id, name, args, kwargs, queue, state, dueAt, publishedAt, changedAt },
    ...{ rootId, parentId, groupId, repeatsId, eta, expires },
    ...{ result, error, attempts, waits: [...waits], log },
  };
}

/** What a task does, and when it can run (again) where it may not yet. */
export interface Situation {
  readonly state: TaskState;
  readonly dueAt?: number;
}

/** What it does until it is due. */
export function situationOf(task: TrackedTask): Situation {
  const messages = [...task.messages.values()];
  if (messages.some(isRunning)) return { state: "running" };
  const next = messages.filter(({ live }) => live).at(-1);
  if (task.settled === "ok" || next === undefined) {
    return task.settled === undefined && task.awaits
      ? task.awaits
      : { state: task.settled ?? "done" };
  }
  return { state: STATES[next.cause] ?? "waiting", dueAt: next.visibleAt };
}

/** The same at `now`: what is due waits like any other. */
export function situationAt(situation: Situation, now: number): Situation {
  const { dueAt = Infinity } = situation;
  return dueAt <= now ? { state: "waiting" } : situation;
}
