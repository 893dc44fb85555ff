import type { Attempt, TaskRecord } from "../../packages/task-history/task-record.ts";

export const AT = Date.UTC(2026, 10, 24, 12, 0, 0);

/** A task that was sent and has done nothing yet. */
export function task(fields: Partial<TaskRecord> = {}): TaskRecord {
  return {
    ...{ id: "3f2c", name: "shop.charge", args: [77], kwargs: {}, queue: "shop-tasks" },
    ...{ state: "waiting", publishedAt: AT, changedAt: AT },
    ...{ attempts: [], waits: [], log: [] },
    ...fields,
  };
}

/** A run of a container. */
export function attempt(fields: Partial<Attempt> = {}): Attempt {
  return {
    ...{ number: 1, messageId: "m", delivery: 1, by: "trigger", startedAt: AT, endedAt: AT + 300 },
    ...fields,
  };
}
