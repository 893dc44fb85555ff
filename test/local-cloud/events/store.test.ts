import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Happening } from "../../../packages/local-cloud/events/event.ts";
import { EventStore } from "../../../packages/local-cloud/events/store.ts";
import type { TaskFacts } from "../../../packages/task-history/fact.ts";
import type { Outcome } from "../../../packages/task-history/task-record.ts";

const QUEUE = "shop-tasks";
const DEAD = "shop-tasks-dlq";

let now: number;
let store: EventStore;
let outcomes: Outcome[];

beforeEach(() => {
  now = 1_000_000;
  store = new EventStore(() => now);
  outcomes = [];
  store.subscribeOutcomes((outcome) => outcomes.push(outcome));
});

function facts(fields: Partial<TaskFacts> = {}): TaskFacts {
  return { id: "t1", name: "shop.pay", args: [7], kwargs: { user: "a" }, retries: 0, ...fields };
}

function publish(messageId: string, delaySeconds = 0, task: TaskFacts | undefined = facts()) {
  store.report({ type: "published", queue: QUEUE, messageId, bytes: 100, delaySeconds, task });
}

function receive(messageId: string, receiveCount = 1, by: "trigger" | "client" = "trigger") {
  const visibleAt = now + 30_000;
  store.report({ type: "received", queue: QUEUE, messageId, receiveCount, by, visibleAt });
}

function invoke(...messageIds: string[]) {
  store.report({ type: "invoked", trigger: "shop-tasks", container: "worker", messageIds });
}

function answer(messageId: string, status = 200, verdict = {}) {
  const verdicts = [{ messageId, outcome: "done", ...verdict }];
  store.report({ type: "answered", messageIds: [messageId], status, verdicts });
}

function stored(state: string, result?: unknown, taskId = "t1") {
  store.report({ type: "stored", table: "celery", taskId, state, result });
}

function remove(messageId: string, type: "deleted" | "expired" = "deleted") {
  store.report({ type, queue: QUEUE, messageId });
}

const FAULT = { exc_type: "ConnectionError", exc_message: ["no answer"], exc_module: "builtins" };

describe("EventStore, a task", () => {
  test("waits, runs and returns", () => {
    publish("m1");
    expect(store.task("t1")).toMatchObject({ state: "waiting", name: "shop.pay", queue: QUEUE });
    now += 200;
    receive("m1");
    now += 50;
    invoke("m1");
    expect(store.task("t1")?.state).toBe("running");
    now += 300;
    stored("SUCCESS", { paid: true });
    answer("m1");
    remove("m1");

    expect(store.task("t1")).toMatchObject({
      state: "ok",
      result: { paid: true },
      waits: [
        { cause: "queue", from: 1_000_000, to: 1_000_200 },
        { cause: "batch", from: 1_000_200, to: 1_000_250 },
      ],
      attempts: [{ number: 1, startedAt: 1_000_250, endedAt: 1_000_550, status: 200 }],
    });
    expect(outcomes).toEqual([{ at: 1_000_550, taskId: "t1", word: "ok", attempt: 1 }]);
  });

  test.each([
    ["FAILURE", "failed"],
    ["SUCCESS", "ok"],
    [undefined, "done"],
  ])("ends as its worker says where no result is kept: %s", (state, word) => {
    publish("m1");
    receive("m1");
    invoke("m1");
    answer("m1", 200, { state });
    remove("m1");

    expect(store.task("t1")?.state).toBe(word);
    expect(outcomes).toMatchObject([{ word }]);
  });

  test("is delayed until it is due, without anything happening", () => {
    publish("m1", 10);

    expect(store.task("t1")).toMatchObject({ state: "delayed", dueAt: now + 10_000 });
    now += 10_000;
    expect(store.task("t1")?.state).toBe("waiting");
    now += 1;
    receive("m1");
    expect(store.task("t1")?.waits).toMatchObject([{ cause: "delay" }, { cause: "queue" }]);
  });

  test("is retried by Celery: the same task in another message", () => {
    publish("m1");
    receive("m1");
    invoke("m1");
    publish("m2", 2, facts({ retries: 1 }));
    stored("RETRY", FAULT);
    answer("m1");
    remove("m1");

    expect(store.task("t1")).toMatchObject({ state: "retrying", dueAt: now + 2000 });
    now += 2000;
    receive("m2");
    invoke("m2");
    stored("SUCCESS", "paid");
    answer("m2");
    remove("m2");

    expect(store.task("t1")).toMatchObject({
      state: "ok",
      error: undefined,
      waits: [{ cause: "retry" }],
      attempts: [
        { number: 1, state: "RETRY", error: { type: "ConnectionError", message: "no answer" } },
        { number: 2, state: "SUCCESS", messageId: "m2" },
      ],
    });
    expect(outcomes.map(({ word, attempt }) => [word, attempt])).toEqual([
      ["retry", 1],
      ["ok", 2],
    ]);
  });

  test("comes back after a failed delivery, and dies in the end", () => {
    publish("m1");
    receive("m1");
    invoke("m1");
    now += 1000;
    answer("m1", 500, { outcome: "dead", reason: "unknown_task" });

    expect(store.task("t1")).toMatchObject({ state: "hidden", dueAt: 1_030_000 });
    expect(store.tasks({ failed: true })).toHaveLength(1);
    now = 1_030_000;
    const died = { deadLetterQueue: DEAD, receiveCount: 1 };
    store.report({ type: "dead", queue: QUEUE, messageId: "m1", ...died });

    expect(store.task("t1")).toMatchObject({
      state: "dead",
      waits: [{ cause: "hidden", from: 1_001_000, to: 1_030_000 }],
      attempts: [{ status: 500, reason: "unknown_task" }],
    });
    expect(outcomes.map(({ word }) => word)).toEqual(["back", "dead"]);
  });

  test("lives again when it is sent back from the dead letters", () => {
    publish("m1");
    const died = { deadLetterQueue: DEAD, receiveCount: 1 };
    store.report({ type: "dead", queue: QUEUE, messageId: "m1", ...died });
    publish("m1");

    expect(store.task("t1")?.state).toBe("waiting");
  });

  test("waits for a container that is busy with others", () => {
    publish("other", 0, facts({ id: "t0" }));
    receive("other");
    invoke("other");
    publish("m1");
    now += 5000;
    answer("other");
    now += 100;
    receive("m1");

    expect(store.task("t1")?.waits).toEqual([
      { cause: "capacity", from: 1_000_000, to: 1_005_000 },
      { cause: "queue", from: 1_005_000, to: 1_005_100 },
    ]);
  });

  test("waits for a container since that is busy, and for nobody before", () => {
    publish("other", 0, facts({ id: "t0" }));
    publish("m1");
    // As after a pause.
    now += 60_000;
    receive("other");
    invoke("other");
    now += 2000;
    answer("other");
    publish("next", 0, facts({ id: "t2" }));
    now += 20;
    receive("next");
    invoke("next");
    now += 1000;
    answer("next");
    receive("m1");

    expect(store.task("t1")?.waits).toEqual([
      { cause: "queue", from: 1_000_000, to: 1_060_000 },
      { cause: "capacity", from: 1_060_000, to: 1_063_020 },
    ]);
  });

  test("stays dead while somebody receives it from there, and has ended once it is deleted", () => {
    publish("m1");
    const died = { deadLetterQueue: DEAD, receiveCount: 1 };
    store.report({ type: "dead", queue: QUEUE, messageId: "m1", ...died });
    const visibleAt = now + 30_000;
    const looked = { queue: DEAD, messageId: "m1", by: "client", visibleAt } as const;
    store.report({ type: "received", ...looked, receiveCount: 2 });
    expect(store.task("t1")).toMatchObject({ state: "dead", attempts: [] });

    store.report({ type: "deleted", queue: DEAD, messageId: "m1" });
    expect(store.task("t1")?.state).toBe("done");
  });

  test("does not count what only sends it on, or finds it done before", () => {
    publish("m1", 900, facts({ eta: "2100-01-01T00:00:00Z" }));
    receive("m1");
    invoke("m1");
    publish("m2", 900);
    answer("m1", 200, { outcome: "delayed" });
    remove("m1");

    expect(store.task("t1")).toMatchObject({ state: "delayed", attempts: [] });
    expect(outcomes).toEqual([]);
  });

  test("stays ok when a duplicate of it arrives", () => {
    publish("m1");
    stored("SUCCESS", 1);
    receive("m1", 2);

    expect(store.task("t1")?.state).toBe("ok");
  });

  test("has its log lines, by its own id or by its message's", () => {
    const line = { type: "log", container: "worker", level: "info" } as const;
    publish("m1");
    store.report({ ...line, message: "charging", taskId: "t1" });
    store.report({ ...line, message: "charged", messageId: "m1" });
    store.report({ ...line, message: "somebody else's" });

    expect(store.task("t1")?.log.map(({ message }) => message)).toEqual(["charging", "charged"]);
  });

  test("is judged by what the worker answers, where no result is kept", () => {
    publish("m1");
    receive("m1");
    invoke("m1");
    answer("m1", 200, { state: "FAILURE" });

    expect(outcomes.map(({ word }) => word)).toEqual(["failed"]);
  });

  test("may be run by a worker that is no container", () => {
    publish("m1");
    receive("m1", 1, "client");
    expect(store.task("t1")?.state).toBe("running");
    now += 700;
    stored("FAILURE", FAULT);
    remove("m1");

    expect(store.task("t1")).toMatchObject({
      state: "failed",
      error: { type: "ConnectionError" },
      attempts: [{ by: "client", endedAt: 1_000_700 }],
    });
    expect(outcomes.map(({ word }) => word)).toEqual(["failed"]);
  });

  test("may be no task of Celery's at all", () => {
    publish("m1", 0, undefined);
    store.report({ type: "published", queue: QUEUE, messageId: "m9", bytes: 5, delaySeconds: 0 });

    expect(store.task("m9")).toMatchObject({ name: undefined, args: [], state: "waiting" });
    remove("m9", "expired");
    expect(store.task("m9")?.state).toBe("expired");
  });
});

describe("EventStore", () => {
  test("numbers and times events, and gives those after a number", () => {
    publish("m1");
    now += 1;
    remove("m1");

    expect(store.since(0)).toMatchObject([
      { sequence: 1, at: 1_000_000, type: "published" },
      { sequence: 2, at: 1_000_001, type: "deleted" },
    ]);
    expect(store.since(1)).toHaveLength(1);
    expect(store.since(2)).toEqual([]);
  });

  test("keeps the last 20,000 events and the 10,000 tasks that were over last", () => {
    for (let number = 0; number < 20_010; number++) {
      publish(`m${number}`, 0, facts({ id: `t${number}` }));
      remove(`m${number}`);
    }

    expect(store.since(0)).toHaveLength(20_000);
    expect(store.since(5)[0]?.sequence).toBe(20_021);
    expect(store.tasks()).toHaveLength(10_000);
    expect(store.tasks({ limit: 1 })[0]?.id).toBe("t20009");
  });

  test("forgets nothing that is in a queue, however much that is: no name, no second row", () => {
    const numbers = Array.from({ length: 14_000 }, (_, number) => number);
    for (const number of numbers) publish(`m${number}`, 0, facts({ id: `t${number}` }));
    expect(store.tasks()).toHaveLength(14_000);
    for (const number of numbers) {
      receive(`m${number}`);
      invoke(`m${number}`);
      stored("SUCCESS", number, `t${number}`);
      answer(`m${number}`);
      remove(`m${number}`);
      expect(store.task(`t${number}`)).toMatchObject({
        id: `t${number}`,
        name: "shop.pay",
        args: [7],
        state: "ok",
      });
    }
    expect(store.tasks()).toHaveLength(10_000);
    expect(outcomes).toHaveLength(14_000);
  });

  test("forgets no dead letter: it may be sent back", () => {
    publish("m0", 0, facts({ id: "t0" }));
    store.report({
      ...{ type: "dead", queue: QUEUE, messageId: "m0", deadLetterQueue: DEAD, receiveCount: 9 },
    });
    for (let number = 1; number < 10_010; number++) {
      publish(`m${number}`, 0, facts({ id: `t${number}` }));
      remove(`m${number}`);
    }
    expect(store.task("t0")).toMatchObject({ name: "shop.pay", state: "dead" });
    receive("m0", 1, "client");
    expect(store.task("m0")).toBeUndefined();
  });

  test("a task of more messages than are followed is one row", () => {
    for (let number = 0; number < 300; number++) publish(`m${number}`);
    for (let number = 0; number < 300; number++) receive(`m${number}`);
    expect(store.tasks().map(({ id }) => id)).toEqual(["t1"]);
  });

  test("keeps no more arguments than fit, and every name", () => {
    for (let number = 0; number < 1000; number++) {
      const message = { queue: QUEUE, messageId: `m${number}`, bytes: 262_144, delaySeconds: 0 };
      store.report({ type: "published", ...message, task: facts({ id: `t${number}` }) });
    }

    expect(store.tasks().filter(({ name }) => name === "shop.pay")).toHaveLength(1000);
    expect(store.tasks().filter(({ args }) => args.length > 0)).toHaveLength(512);
    expect(store.since(0)).toHaveLength(512);
    for (let number = 0; number < 1000; number++) remove(`m${number}`);
    const message = { queue: QUEUE, messageId: "late", bytes: 262_144, delaySeconds: 0 };
    store.report({ type: "published", ...message, task: facts({ id: "late" }) });
    expect(store.task("late")?.args).toEqual([7]);
  });

  test("follows what it has no beginning of", () => {
    receive("m5", 3);
    invoke("m5");
    answer("m5");
    remove("m5");
    stored("SUCCESS", 1, "t5");

    expect(store.task("m5")).toMatchObject({ state: "done", attempts: [{ delivery: 3 }] });
    expect(store.task("t5")).toMatchObject({ state: "ok", attempts: [] });
  });

  test("takes anything in any order, as it finds it when much was forgotten", () => {
    const id = fc.constantFrom("m1", "m2", "m3");
    const taskId = fc.constantFrom("t1", "t2");
    const happening = fc.oneof(
      fc.record({ messageId: id, task: taskId, delay: fc.nat(900) }).map(
        ({ messageId, task, delay }): Happening => ({
          ...{ type: "published", queue: QUEUE, messageId, bytes: 1, delaySeconds: delay },
          task: facts({ id: task }),
        }),
      ),
      fc.record({ messageId: id, receiveCount: fc.nat(5) }).map(
        (fields): Happening => ({
          ...{ type: "received", queue: QUEUE, by: "trigger", visibleAt: 5, ...fields },
        }),
      ),
      id.map((messageId): Happening => {
        const call = { trigger: "t", container: "c", messageIds: [messageId] };
        return { type: "invoked", ...call };
      }),
      fc.record({ messageId: id, status: fc.constantFrom(200, 500) }).map(
        ({ messageId, status }): Happening => ({
          ...{ type: "answered", messageIds: [messageId] },
          ...{ status, verdicts: [] },
        }),
      ),
      fc
        .record({ taskId, state: fc.constantFrom("SUCCESS", "FAILURE", "RETRY", "PROGRESS") })
        .map((fields): Happening => ({ type: "stored", table: "celery", ...fields })),
      id.map((messageId): Happening => ({ type: "deleted", queue: QUEUE, messageId })),
      id.map(
        (messageId): Happening => ({
          ...{ type: "dead", queue: QUEUE, messageId, deadLetterQueue: DEAD, receiveCount: 9 },
        }),
      ),
    );

    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const other = new EventStore(() => ++now);
        for (const one of happenings) other.report(one);
        for (const { waits, attempts } of other.tasks()) {
          expect(waits.every(({ from, to }) => from < to)).toBe(true);
          expect(attempts.every(({ startedAt, endedAt = startedAt }) => startedAt <= endedAt)).toBe(
            true,
          );
        }
      }),
    );
  });
});
