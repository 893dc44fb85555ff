import { describe, expect, test } from "vitest";
import { familyOf } from "../../../packages/console/family.ts";
import { familyLines } from "../../../scripts/lib/tasks/family.ts";
import { findTask } from "../../../scripts/lib/tasks/find-task.ts";
import { formatStory } from "../../../scripts/lib/tasks/story.ts";
import { AT, task } from "./_tasks.ts";

const CONTEXT = { queues: new Map([["shop-tasks-heavy", "heavy"]]), family: [], now: AT };

describe("formatStory", () => {
  test("tells attempts, waits with the fields that decide them, error, lines and result", () => {
    const traceback =
      'Traceback (most recent call last):\n  File "/app/shop.py", line 1, in x\nE: m';
    const error = { type: "Refused", message: "no money", traceback };
    const story = formatStory(
      task({
        ...{ queue: "shop-tasks-heavy", state: "failed", error, result: { paid: false } },
        waits: [
          { cause: "queue", from: AT - 40_000, to: AT - 39_800 },
          { cause: "hidden", from: AT - 39_000, to: AT - 9000 },
          { cause: "capacity", from: AT - 9000, to: AT - 300 },
          { cause: "batch", from: AT - 300, to: AT - 299 },
        ],
        attempts: [
          {
            ...{ number: 1, messageId: "m", delivery: 1, by: "trigger", container: "worker" },
            ...{
              startedAt: AT - 39_800,
              endedAt: AT - 39_000,
              status: 503,
              reason: "store_failed",
            },
          },
          {
            ...{ number: 2, messageId: "m", delivery: 2, by: "trigger", container: "worker" },
            ...{ startedAt: AT - 300, endedAt: AT, status: 200, state: "FAILURE", error },
          },
        ],
        log: [{ at: AT - 100, level: "warning", message: "low\nbalance" }],
      }),
      CONTEXT,
    );

    expect(story).toEqual([
      "shop.charge  3f2c",
      "  state      failed",
      "  arguments  77",
      "  queue      heavy",
      "  sent       00:29:30",
      "",
      "  what happened",
      "    00:29:21  waited 0.2 s for the trigger to take it from the queue",
      "    00:29:21  attempt 1 ran 0.8 s, worker, store_failed answer 503",
      "    00:29:22  waited 30.0 s for the queue's visibility timeout after a delivery that failed (queues.heavy.worker.timeoutSeconds or worker.timeoutSeconds in config.ts)",
      "    00:29:52  waited 8.7 s for the worker, which was busy with other tasks (queues.heavy.worker.concurrency or worker.concurrency in config.ts)",
      "    00:30:00  attempt 2 ran 0.3 s, delivery 2, worker, FAILURE: Refused: no money",
      "",
      "  result",
      '    {"paid":false}',
      "",
      "  error",
      "    Refused: no money",
      "",
      "  traceback",
      "    Traceback (most recent call last):",
      '      File "/app/shop.py", line 1, in x',
      "    E: m",
      "",
      "  log",
      "    00:30:00 warning low balance",
    ]);
  });

  test.each([
    ["delayed", "waits for its countdown, eta or delay"],
    ["retrying", "waits for the pause before a retry, which the task's code sets"],
    [
      "hidden",
      "waits for the queue's visibility timeout after a delivery that failed (worker.timeoutSeconds in config.ts)",
    ],
    ["waiting", "waits for the trigger to take it from the queue"],
  ] as const)("says why a task is %s, and until when", (state, why) => {
    const story = formatStory(task({ state, dueAt: AT + 5000, attempts: [] }), CONTEXT);
    expect(story.slice(1, 3)).toEqual([
      `  state      ${state}, due 00:30:06`,
      `  why        ${why}`,
    ]);
  });

  test("a task of another day has its date", () => {
    const story = formatStory(task(), { ...CONTEXT, now: AT + 86_400_000 });
    expect(story).toContain("  sent       2026-11-24 00:29:30");
  });

  test("a running attempt runs; a worker that is no container is said to be one", () => {
    const [attempt] = task().attempts;
    const attempts = [{ ...attempt, by: "client", endedAt: undefined }] as never;
    expect(formatStory(task({ state: "running", attempts }), CONTEXT)).toContain(
      "    00:30:00  attempt 1 runs, by a worker that is no container",
    );
  });

  test("names the task that it repeats", () => {
    expect(formatStory(task({ repeatsId: "first" }), CONTEXT)).toContain("  repeats    first");
  });

  test("nothing in it does anything to a terminal", () => {
    const bad = "\x1b[31mx\x1b]0;title\x07\r\n\x9b2J\u202e\u2066\u2029";
    const [attempt] = task().attempts;
    const error = { type: bad, message: bad, traceback: bad };
    const one = task({
      ...{
        id: bad,
        name: bad,
        args: [bad],
        kwargs: { [bad]: bad },
        queue: bad,
        repeatsId: bad,
        result: bad,
        error,
      },
      ...{ log: [{ at: AT, level: "error", message: bad }] },
      attempts: [{ ...attempt, container: bad, state: bad, reason: bad, error }] as never,
    });
    const family = [one, task({ id: `${bad}2`, name: bad, rootId: bad, parentId: bad })];

    const lines = formatStory(one, { ...CONTEXT, queues: new Map([[bad, bad]]), family });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    for (const line of lines) expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e\u2066\u2029]/);
  });
});

describe("family", () => {
  const root = task({ id: "a", name: "checkout", rootId: "a" });
  const child = task({ id: "b", name: "charge", rootId: "a", parentId: "a", state: "failed" });
  const grandchild = task({ id: "c", name: "mail", rootId: "a", parentId: "b" });
  const other = task({ id: "x", name: "other" });

  test("is who has sent whom, from the root on", () => {
    const family = familyOf(child, [other, grandchild, child, root]);

    expect(familyLines(child, family)).toEqual([
      "checkout  ok  a",
      "  charge  failed  b  (this one)",
      "    mail  ok  c",
    ]);
    expect(familyLines(other, familyOf(other, [other, root]))).toEqual([]);
  });

  test("has those whose parent is not known, and those in a circle", () => {
    const orphan = task({ id: "d", name: "late", rootId: "a", parentId: "gone" });
    const [one, two] = ["e", "f"].map((id) => task({ id, name: id, rootId: "a" }));
    const circle = [
      { ...one, parentId: "f" },
      { ...two, parentId: "e" },
    ] as (typeof root)[];

    expect(familyLines(root, [root, orphan, ...circle])).toEqual([
      "checkout  ok  a  (this one)",
      "late  ok  d",
      "e  ok  e",
      "  f  ok  f",
    ]);
  });

  test("is cut where it has no end", () => {
    const many = Array.from({ length: 80 }, (_, number) => task({ id: `${number}`, rootId: "a" }));
    const lines = familyLines(root, [root, ...many]);
    expect([lines.length, lines.at(-1)]).toEqual([51, "and 31 more"]);
  });
});

describe("findTask", () => {
  const tasks = ["3f2c", "3f77", "a"].map((id) => task({ id }));

  test("takes the whole id, or a beginning that only one has", () => {
    expect(findTask(tasks, "3f7").id).toBe("3f77");
    expect(findTask([...tasks, task({ id: "a1" })], "a").id).toBe("a");
  });

  test("refuses what is not known, and what several have", () => {
    expect(() => findTask(tasks, "b")).toThrow(
      'Task "b" is not known, or no longer kept. Ids stand in the list of tasks.',
    );
    expect(() => findTask(tasks, "3f")).toThrow(
      '2 tasks begin with "3f": 3f2c, 3f77. Write more of it.',
    );
  });
});
