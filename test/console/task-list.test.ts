import { expect, test } from "vitest";
import { hourOf } from "../../packages/console/hour.ts";
import { listTasks } from "../../packages/console/task-list.ts";
import type { Fact } from "../../packages/task-history/fact.ts";
import { type TaskFilter, Tasks } from "../../packages/task-history/tasks.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const HOUR_MS = 3_600_000;

function sent(id: string, at: number, args: readonly unknown[] = []): Fact {
  const task = { id, name: "shop.Pay", args, kwargs: {}, retries: 0 };
  return { id: `${id}/sent`, at, kind: "sent", messageId: `m-${id}`, queue: "q", task };
}

const tasks = new Tasks();
for (const fact of [
  sent("old-waiting", NOW - 2 * HOUR_MS),
  sent("old-over", NOW - 2 * HOUR_MS),
  { id: "x", at: NOW - 2 * HOUR_MS, order: 1, kind: "deleted", messageId: "m-old-over" } as const,
  {
    ...({ id: "y", at: NOW - 2 * HOUR_MS, order: 2, kind: "raised", taskId: "old-over" } as const),
    error: { type: "BankError", message: "No answer" },
  },
  sent("new", NOW - 1000, ["Анна"]),
]) {
  tasks.take(fact);
}
const find = (filter: TaskFilter) => tasks.list(NOW, filter);

test.each([
  [{}, ["new", "old-over", "old-waiting"], false],
  [{ limit: 1 }, ["new"], true],
  [{ limit: 3 }, ["new", "old-over", "old-waiting"], false],
  [{ before: NOW - 1000 }, ["old-over", "old-waiting"], false],
  [{ show: "waiting" }, ["new", "old-waiting"], false],
  [{ show: "running" }, [], false],
  [{ search: " анна " }, ["new"], false],
  [{ search: "PAY" }, ["new", "old-over", "old-waiting"], false],
  [{ search: "bankerror: no" }, ["old-over"], false],
  [{ search: "OLD-W" }, ["old-waiting"], false],
] as const)("a filter %j lists %j", (filter, ids, more) => {
  const list = listTasks(find, filter, (queue) => queue?.toUpperCase());
  expect(list.tasks.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect(list.more).toBe(more);
  expect(list.tasks.every(({ queue }) => queue === "Q")).toBe(true);
});

test("the last hour has what waits since before, and not what was over by then", () => {
  const { minutes } = hourOf(tasks.times(NOW), NOW);
  expect([minutes[0]?.waiting, minutes.at(-1)?.waiting]).toEqual([1, 2]);
});
