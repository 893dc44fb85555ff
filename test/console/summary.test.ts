import { describe, expect, test } from "vitest";
import { countShown, SHOWN, summarize, summarizeMember } from "../../packages/console/summary.ts";
import type { TaskState } from "../../packages/task-history/task-record.ts";
import { AT, attempt, task } from "./_task.ts";

const nameQueue = (queue = "") => queue.replace("shop-tasks", "default");

describe("summarize", () => {
  test("is a task as one row", () => {
    const summary = summarize(
      task({
        ...{ kwargs: { user: { id: 8 } }, state: "failed", changedAt: AT + 9000, rootId: "r" },
        ...{ dueAt: AT + 9, error: { type: "ConnectionError", message: "bank timeout" } },
        waits: [
          { cause: "queue", from: AT, to: AT + 200 },
          { cause: "hidden", from: AT + 500, to: AT + 3500 },
          { cause: "hidden", from: AT + 3500, to: AT + 5500 },
        ],
        attempts: [
          attempt({ startedAt: AT + 200, endedAt: AT + 500 }),
          attempt({ number: 2, startedAt: AT + 5500, endedAt: AT + 9000 }),
          attempt({ number: 3, startedAt: AT + 9000, endedAt: undefined }),
        ],
      }),
      nameQueue,
    );

    expect(summary).toEqual({
      ...{ id: "3f2c", name: "shop.charge", args: '77 user={"id":8}', queue: "default" },
      ...{ state: "failed", publishedAt: AT, changedAt: AT + 9000, dueAt: AT + 9, rootId: "r" },
      ...{
        attempts: 3,
        waitMs: 5200,
        hiddenMs: 5000,
        runMs: 3800,
        error: "ConnectionError: bank timeout",
      },
    });
  });

  test("was hidden for no time when its queue never hid it", () => {
    const waits = [{ cause: "queue" as const, from: AT, to: AT + 200 }];
    expect(summarize(task({ waits }), nameQueue)).not.toHaveProperty("hiddenMs");
  });

  test("cuts what is long", () => {
    const error = { type: "E", message: "m".repeat(300) };
    const summary = summarize(task({ args: ["x".repeat(198), 1], error }), nameQueue);
    expect(summary.args).toBe(`"${"x".repeat(198)}…`);
    expect(summary.error).toBe(`E: ${"m".repeat(196)}…`);
    expect(summarize(task({ args: ["x".repeat(198)] }), nameQueue).args).toHaveLength(200);
  });

  test("has the worker's reason where a delivery has failed without an exception", () => {
    const attempts = [attempt({ reason: "store_failed", status: 503 })];
    expect(summarize(task({ attempts, state: "hidden" }), nameQueue).error).toBe("store_failed");
    expect(summarize(task({ attempts, state: "ok" }), nameQueue)).not.toHaveProperty("error");
  });

  test("a member of a family says whose child it is", () => {
    expect(summarizeMember(task({ parentId: "p", groupId: "g" }), nameQueue)).toMatchObject({
      ...{ id: "3f2c", parentId: "p", groupId: "g" },
    });
  });
});

describe("countShown", () => {
  test("counts a task in every filter that shows it", () => {
    const states: TaskState[] = ["delayed", "hidden", "running", "ok", "failed", "dead"];
    expect(countShown(new Map(states.map((state, place) => [state, 10 ** place])))).toEqual({
      ...{ all: 111_111, waiting: 11, running: 100, failed: 110_010, dead: 100_000 },
    });
    expect(countShown(new Map())).toMatchObject({ all: 0, dead: 0 });
  });

  test("all is no set of states", () => {
    expect(SHOWN.all).toBeUndefined();
  });
});
