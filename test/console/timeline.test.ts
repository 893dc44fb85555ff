import { expect, test } from "vitest";
// @ts-expect-error The page is JavaScript, without declarations.
import { hasFailed, partsOf } from "../../packages/console/page/timeline.js";
import type { Step } from "../../packages/console/source.ts";
import { attempt, ran, waited } from "./_example.ts";

test("draws short waits and runs to scale, and breaks what is longer", () => {
  const steps: Step[] = [
    { kind: "sent", at: 0 },
    waited("queue", 0, 200),
    ran({ startedAt: 200, endedAt: 1100, error: { type: "E", message: "" } }),
    waited("hidden", 1100, 31_100),
    ran({ startedAt: 31_100, endedAt: 31_400 }),
    { kind: "ended", at: 31_400, state: "ok" },
  ];
  expect(partsOf(steps, 0)).toEqual([
    { kind: "waited", ms: 200, isBreak: false, failed: false },
    { kind: "ran", ms: 900, isBreak: false, failed: true },
    { kind: "hidden", ms: 30_000, isBreak: true, failed: false },
    { kind: "ran", ms: 300, isBreak: false, failed: false },
  ]);
});

test("shows a time of which nothing is known", () => {
  const steps: Step[] = [{ kind: "sent", at: 0 }, ran({ startedAt: 5000, endedAt: 5100 })];
  expect(partsOf(steps, 0)).toEqual([
    { kind: "unknown", ms: 5000, isBreak: true, failed: false },
    { kind: "ran", ms: 100, isBreak: false, failed: false },
  ]);
});

test("goes on to now with what has not ended, and counts no time twice", () => {
  const steps: Step[] = [
    waited("queue", 0, 100),
    ran({ startedAt: 100 }),
    ran({ startedAt: 150, endedAt: 400 }),
  ];
  const times = partsOf(steps, 300).map(({ ms }: { ms: number }) => ms);
  expect(times).toEqual([100, 200, 100]);
  expect(partsOf([ran({ startedAt: 500 })], 300)).toMatchObject([{ ms: 0 }]);
  expect(partsOf([], 0)).toEqual([]);
});

test.each([
  [{}, false],
  [{ status: 200, outcome: "done", state: "SUCCESS" }, false],
  [{ error: { type: "E", message: "" } }, true],
  [{ state: "FAILURE" }, true],
  [{ state: "RETRY" }, true],
  [{ status: 503 }, true],
  [{ outcome: "retry_later" }, true],
  [{ outcome: "dead" }, true],
])("an attempt with %j has failed: %s", (change, expected) => {
  expect(hasFailed(attempt(change))).toBe(expected);
});
