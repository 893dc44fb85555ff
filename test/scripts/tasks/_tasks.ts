import type { TaskRecord } from "../../../packages/task-history/task-record.ts";

// Half past midnight, wherever this runs.
export const AT = new Date(2026, 10, 24, 0, 30, 1).getTime();

/** A task that has run once. */
export function task(fields: Partial<TaskRecord> = {}): TaskRecord {
  return {
    ...{ id: "3f2c", name: "shop.charge", args: [77], kwargs: {}, queue: "shop-tasks" },
    ...{ state: "ok", publishedAt: AT - 30_700, changedAt: AT, waits: [], log: [] },
    attempts: [
      { number: 1, messageId: "m", delivery: 1, by: "trigger", startedAt: AT - 300, endedAt: AT },
    ],
    ...fields,
  };
}
