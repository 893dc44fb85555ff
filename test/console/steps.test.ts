import { describe, expect, test } from "vitest";
import { presentReason, reasonFor } from "../../packages/console/reasons.ts";
import { stepsOf } from "../../packages/console/steps.ts";
import { AT, attempt, task } from "./_task.ts";

const CONTEXT = { queue: "default", visibilitySeconds: 30, now: AT + 100_000 };

describe("stepsOf", () => {
  test("tells what happened in its order", () => {
    const one = attempt({ startedAt: AT + 200, endedAt: AT + 500, status: 503 });
    const two = attempt({ number: 2, startedAt: AT + 30_200, endedAt: AT + 30_500 });
    const steps = stepsOf(
      task({
        ...{ state: "ok", changedAt: AT + 30_510, attempts: [one, two] },
        waits: [
          { cause: "queue", from: AT, to: AT + 200 },
          { cause: "hidden", from: AT + 500, to: AT + 30_000 },
          { cause: "batch", from: AT + 30_150, to: AT + 30_199 },
        ],
      }),
      CONTEXT,
    );

    expect(steps).toEqual([
      { kind: "sent", at: AT, queue: "default" },
      {
        ...{ kind: "waited", at: AT, cause: "queue", from: AT, to: AT + 200 },
        reason: { cause: "queue", fields: [] },
      },
      { kind: "ran", at: AT + 200, attempt: one },
      {
        ...{ kind: "waited", at: AT + 500, cause: "hidden", from: AT + 500, to: AT + 30_000 },
        reason: { cause: "hidden", fields: ["worker.timeoutSeconds"] },
      },
      { kind: "ran", at: AT + 30_200, attempt: two },
      { kind: "ended", at: AT + 30_510, state: "ok" },
    ]);
  });

  test("a task that is under way has not ended; what is not known of it is left out", () => {
    const steps = stepsOf(task({ publishedAt: undefined, state: "running" }), CONTEXT);
    expect(steps).toEqual([]);
    expect(stepsOf(task({ state: "delayed", dueAt: AT }), CONTEXT)).toHaveLength(1);
  });

  test("a run that outlasts the queue's patience may run twice, and so does the wait for the second", () => {
    const long = attempt({ by: "client", startedAt: AT, endedAt: AT + 31_000 });
    const again = attempt({ number: 2, startedAt: AT + 30_000, endedAt: undefined });
    const waits = [{ cause: "hidden", from: AT, to: AT + 30_000 } as const];
    const [, waited, first, second] = stepsOf(
      task({ state: "running", attempts: [long, again], waits }),
      { ...CONTEXT, now: AT + 40_000 },
    );

    expect(waited).toMatchObject({ reason: { cause: "hidden", mayRunTwice: true } });
    expect(first).toMatchObject({ attempt: { number: 1 }, mayRunTwice: true });
    expect(second).not.toHaveProperty("mayRunTwice");
  });

  test("one that still runs, too; nothing is said where the time is not known", () => {
    const steps = (context: object) =>
      stepsOf(task({ state: "running", attempts: [attempt({ endedAt: undefined })] }), {
        ...{ now: AT + 30_001, ...context },
      });
    expect(steps({ visibilitySeconds: 30 })[1]).toMatchObject({ mayRunTwice: true });
    expect(steps({})[1]).not.toHaveProperty("mayRunTwice");
  });
});

describe("reasonFor", () => {
  test.each([
    ["hidden", ["worker.timeoutSeconds"]],
    ["capacity", ["worker.concurrency"]],
    ["batch", ["batchCutoffSeconds"]],
    ["delay", []],
  ] as const)("%s is decided by %j", (cause, fields) => {
    expect(reasonFor(cause)).toEqual({ cause, fields });
    const own = fields.map((field) => `queues.heavy.${field}`);
    expect(reasonFor(cause, "heavy")).toEqual({ cause, fields: [...own, ...fields] });
  });

  test("a task that waits for nothing has none", () => {
    expect(presentReason({ state: "running" })).toBeUndefined();
    expect(presentReason({ state: "retrying" })).toEqual({ cause: "retry", fields: [] });
  });

  test("a task in the queue of paused triggers waits for these, a retry does not", () => {
    const paused = { paused: true };
    expect(presentReason({ state: "waiting" }, paused)).toEqual({ cause: "paused", fields: [] });
    expect(presentReason({ state: "retrying" }, paused)).toEqual({ cause: "retry", fields: [] });
  });
});
