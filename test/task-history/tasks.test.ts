import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Fact, FactStamp } from "../../packages/task-history/fact.ts";
import { Tasks } from "../../packages/task-history/tasks.ts";
import { anyOrder, localFacts, NOW, recordsOf } from "./_streams.ts";

function shuffled(facts: fc.Arbitrary<readonly Fact[]>) {
  return facts.chain((inOrder) => fc.tuple(fc.constant(inOrder), anyOrder(inOrder)));
}

let count = 0;

function fact<F extends object>(at: number, fields: F): F & FactStamp {
  count += 1;
  return { id: `f${count}`, at, ...fields };
}

const sent = (at: number, taskId: string, messageId = `m-${taskId}`, args: unknown[] = [7]) =>
  fact(at, {
    ...{ kind: "sent" as const, messageId, delaySeconds: 0, bytes: 100 },
    task: { id: taskId, name: "shop.pay", args, kwargs: {}, retries: 0 },
  });

const deleted = (at: number, messageId: string) =>
  fact(at, { kind: "deleted" as const, messageId });

const started = (at: number, messageId: string) =>
  fact(at, { kind: "started" as const, messageId, by: "trigger" as const });

const ended = (at: number, messageId: string, outcome = "done", state = "SUCCESS") =>
  fact(at, { kind: "ended" as const, messageId, outcome, state });

describe("Tasks", () => {
  test("are the same whatever order facts come in, and however often", () => {
    fc.assert(
      fc.property(shuffled(localFacts), ([inOrder, any]) => {
        expect(recordsOf(any)).toEqual(recordsOf(inOrder));
      }),
      { numRuns: 1000 },
    );
  });

  test("a line of a task within a task leaves the message where it is", () => {
    const line = { kind: "logged" as const, level: "info" as const, message: "inner" };
    const facts = [
      sent(1, "outer", "m"),
      started(2, "m"),
      fact(3, { ...line, taskId: "inner", messageId: "m" }),
      ended(4, "m"),
    ];

    const [record, ...others] = recordsOf(facts);

    expect(others).toEqual([]);
    expect(record).toMatchObject({ id: "outer", state: "ok", attempts: [{ outcome: "done" }] });
  });

  test("are listed last changed first, and the same with a limit, whatever came first", () => {
    const facts = [1, 2, 3, 4].map((number) => sent(number, `t${number}`));

    const tasks = new Tasks();
    for (const one of [facts[2], facts[0], facts[3], facts[1]]) if (one) tasks.take(one);

    expect(tasks.list(NOW, { limit: 2 }).map(({ id }) => id)).toEqual(["t4", "t3"]);
  });

  test("tell each end once, whatever comes later of what was before it", () => {
    const facts = [sent(1, "t1"), started(2, "m-t1"), ended(3, "m-t1"), deleted(4, "m-t1")];
    fc.assert(
      fc.property(anyOrder(facts), (any) => {
        const tasks = new Tasks();
        const words = any.flatMap((one) => tasks.take(one)).map(({ word }) => word);
        expect(words).toEqual(["ok"]);
      }),
    );
  });

  test("know a message's task even when that is said last", () => {
    const tasks = new Tasks();
    tasks.take(started(2, "m1"));
    tasks.take(fact(3, { kind: "logged", messageId: "m1", level: "info", message: "hello" }));
    expect(tasks.list(NOW).map(({ id }) => id)).toEqual(["m1"]);

    tasks.take(sent(1, "t1", "m1"));

    expect(tasks.list(NOW)).toMatchObject([
      { id: "t1", name: "shop.pay", attempts: [{ messageId: "m1" }], log: [{ message: "hello" }] },
    ]);
  });

  test("are not made of a line alone, or of a deletion", () => {
    const tasks = new Tasks();
    tasks.take(fact(1, { kind: "logged", taskId: "t1", level: "info", message: "hello" }));
    tasks.take(deleted(2, "m9"));

    expect(tasks.list(NOW)).toEqual([]);
    expect(tasks.find("t1", NOW)).toBeUndefined();
    tasks.take(sent(0, "t1"));
    expect(tasks.find("t1", NOW)?.log).toHaveLength(1);
  });

  test("have the arguments that were sent last, once in memory", () => {
    const first = sent(1, "t1", "m1", ["old"]);
    const second = sent(2, "t1", "m2", ["new"]);
    for (const facts of [
      [first, second],
      [second, first],
    ]) {
      const tasks = new Tasks();
      for (const one of facts) tasks.take(one);

      expect(tasks.find("t1", NOW)?.args).toEqual(["new"]);
      expect(JSON.stringify(tasks.factsOf("t1"))).not.toContain("old");
    }
  });

  test("that retry for ever keep their last 50 attempts, with their numbers, and stay small", () => {
    const tasks = new Tasks();
    const attempts = 5000;
    tasks.take(sent(0, "t1", "m0"));
    for (let number = 0; number < attempts; number++) {
      const at = number * 10;
      tasks.take(started(at + 1, `m${number}`));
      tasks.take(fact(at + 2, { kind: "stored", taskId: "t1", state: "RETRY", error: ERROR }));
      tasks.take(sent(at + 2, "t1", `m${number + 1}`));
      tasks.take(ended(at + 3, `m${number}`, "done", "RETRY"));
      tasks.take(deleted(at + 4, `m${number}`));
    }

    const task = tasks.find("t1", NOW);
    expect(task?.attempts).toHaveLength(50);
    expect(task?.attempts.at(-1)).toMatchObject({ number: attempts, state: "RETRY" });
    expect(tasks.list(NOW)).toHaveLength(1);
    expect(tasks.factsOf("t1").length).toBeLessThanOrEqual(550);
    // What is older than what is kept changes nothing any more.
    tasks.take(started(5, "m77"));
    expect(tasks.find("t1", NOW)).toEqual(task);
  });

  test("have their last 50 lines, each cut", () => {
    const lines = Array.from({ length: 80 }, (_, number) =>
      fact(number, {
        ...{ kind: "logged" as const, taskId: "t1", level: "info" as const },
        message: `${number} ${"x".repeat(5000)}`,
      }),
    );
    fc.assert(
      fc.property(anyOrder(lines), (any) => {
        const [task] = recordsOf([sent(0, "t1"), ...any]);
        expect(task?.log.map(({ at }) => at)).toEqual(lines.slice(30).map(({ at }) => at));
        expect(task?.log[0]?.message).toHaveLength(4000);
      }),
      { numRuns: 20 },
    );
  });
});

const ERROR = { type: "ConnectionError", message: "no answer", traceback: "x".repeat(1000) };

describe("Tasks, more than are kept", () => {
  const MANY = 12_000;

  function overs(from = 0): Fact[] {
    return Array.from({ length: MANY }, (_, number) => number + from).flatMap((number) => [
      sent(10 * number, `t${number}`),
      deleted(10 * number + 5, `m-t${number}`),
    ]);
  }

  test("the 10,000 that changed last stay, also when the oldest come last", () => {
    const tasks = new Tasks();
    for (const one of overs().reverse()) tasks.take(one);

    const ids = tasks.list(NOW).map(({ id }) => id);
    expect(ids).toHaveLength(10_000);
    expect([ids[0], ids.at(-1)]).toEqual([`t${MANY - 1}`, "t2000"]);
  });

  test("nothing that comes later makes a half task of one that was forgotten", () => {
    const tasks = new Tasks();
    const all = overs();
    for (const one of all) tasks.take(one);
    const before = tasks.list(NOW);

    for (const one of all.slice(0, 100)) tasks.take(one);
    tasks.take(started(NOW, "m-t7"));
    tasks.take(fact(NOW, { kind: "stored", taskId: "t7", state: "SUCCESS", result: 1 }));
    tasks.take(fact(NOW, { kind: "logged", messageId: "m-t7", level: "info", message: "late" }));

    expect(tasks.find("t7", NOW)).toBeUndefined();
    expect(tasks.find("m-t7", NOW)).toBeUndefined();
    expect(tasks.list(NOW)).toEqual(before);
  });

  test("one that was forgotten is new when it is sent again", () => {
    const tasks = new Tasks();
    for (const one of overs()) tasks.take(one);

    tasks.take(sent(NOW, "t7", "m-again"));

    expect(tasks.find("t7", NOW)).toMatchObject({ name: "shop.pay", state: "waiting" });
  });

  test("large results and lines leave fewer of them, never fewer than 100", () => {
    const tasks = new Tasks();
    const result = "x".repeat(2 * 1024 * 1024);
    for (let number = 0; number < 300; number++) {
      tasks.take(sent(10 * number, `t${number}`));
      tasks.take(
        fact(10 * number + 1, { kind: "stored", taskId: `t${number}`, state: "SUCCESS", result }),
      );
      tasks.take(deleted(10 * number + 2, `m-t${number}`));
    }

    expect(tasks.list(NOW)).toHaveLength(100);
  });
});
