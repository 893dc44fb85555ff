import { expect, test } from "vitest";
import { formatTask } from "../../../scripts/lib/tasks/task-lines.ts";
import { formatWaits } from "../../../scripts/lib/tasks/wait-words.ts";
import { AT, task } from "./_tasks.ts";

const wait = (cause: "hidden" | "queue" | "retry", from: number, to: number) => ({
  cause,
  from,
  to,
});

test("waits are summed by what they were for; short ones are left out", () => {
  expect(formatWaits({ waits: [] })).toBe("");
  expect(formatWaits({ waits: [wait("queue", 0, 99)] })).toBe("");
  expect(formatWaits({ waits: [wait("queue", 0, 400), wait("retry", 400, 420)] })).toBe(
    "waited 0.4 s queued",
  );
  const waits = [wait("queue", 0, 400), wait("hidden", 400, 30_400), wait("queue", 30_400, 30_600)];
  expect(formatWaits({ waits })).toBe("waited 30.6 s (0.6 s queued, 30.0 s hidden)");
});

test("a line has waits and reasons, and of another day its date", () => {
  const late = task({ waits: [wait("hidden", 0, 30_000)] });
  expect(formatTask(late, new Map())).toMatch(/^00:30:01 ok .* 3f2c waited 30\.0 s hidden {2}run/);
  expect(formatTask(late, new Map(), AT + 86_400_000)).toMatch(/^2026-11-24 00:30:01 ok /);
});

test("an exception without a text is its name", () => {
  const error = { type: "KeyError", message: "" };
  expect(formatTask(task({ error }), new Map())).toMatch(/run 0\.3 s {2}KeyError$/);
});
