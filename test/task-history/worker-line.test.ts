import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LogEntry } from "../../packages/task-history/log-entry.ts";
import { factsOfLogEntry } from "../../packages/task-history/worker-line.ts";
import { anyOrder, factsOf, recordsOf } from "./_streams.ts";

const START = Date.parse("2026-11-24T12:00:00Z");
const LATER = START + 3_600_000;

let count = 0;

function entry(seconds: number, payload: object, fields: Partial<LogEntry> = {}): LogEntry {
  count += 1;
  return {
    uid: `u${count}`,
    timestamp: new Date(START + seconds * 1000).toISOString(),
    level: "INFO",
    message: "shop.pay[t1]: SUCCESS",
    resource: { type: "serverless.container", id: "bba1" },
    json_payload: { ...payload },
    ...fields,
  };
}

/** The worker's line of a message. */
function line(seconds: number, payload: object = {}, fields: Partial<LogEntry> = {}): LogEntry {
  return entry(
    seconds,
    {
      ...{ logger: "celery_push_worker", message_id: "m1", task_id: "t1", task_name: "shop.pay" },
      ...{ outcome: "done", state: "SUCCESS", attempt: 1, hops: 0, request_id: "r1" },
      ...{ duration_seconds: 2, queue_latency_seconds: 3.5, ...payload },
    },
    fields,
  );
}

function tasksOf(entries: readonly LogEntry[]) {
  return recordsOf(entries.flatMap(factsOfLogEntry), LATER);
}

describe("factsOfLogEntry", () => {
  test("one line is a whole delivery: its times follow from its end", () => {
    expect(tasksOf([line(10)])).toMatchObject([
      {
        ...{ id: "t1", name: "shop.pay", state: "ok", args: [], publishedAt: START + 4500 },
        attempts: [
          {
            ...{ number: 1, delivery: 1, by: "trigger", container: "bba1", messageId: "m1" },
            ...{
              startedAt: START + 8000,
              endedAt: START + 10_000,
              outcome: "done",
              state: "SUCCESS",
            },
          },
        ],
        waits: [{ cause: "queue", from: START + 4500, to: START + 8000 }],
        log: [{ at: START + 10_000, level: "info", message: "shop.pay[t1]: SUCCESS" }],
      },
    ]);
  });

  test("what the line says by itself counts: times, counts, family, arguments where asked for", () => {
    const said = {
      ...{ sent_at: "2026-11-24T12:00:01.250Z", receive_count: 3, queue: "heavy" },
      ...{ root_id: "r", parent_id: "p", group_id: "g", repeats_id: "o" },
      ...{ args: "(7,)", kwargs: "{'user': 8}" },
    };
    expect(tasksOf([line(10, said)])).toMatchObject([
      {
        ...{ publishedAt: START + 1250, queue: "heavy", args: ["(7,)", "{'user': 8}"] },
        ...{ rootId: "r", parentId: "p", groupId: "g", repeatsId: "o" },
        attempts: [{ delivery: 3 }],
      },
    ]);
  });

  test("a countdown is a delay until it was due, and what came then is the queue", () => {
    const [task] = tasksOf([line(10, { queue_latency_seconds: 7, eta: "2026-11-24T12:00:06Z" })]);
    expect(task?.waits).toEqual([
      { cause: "delay", from: START + 1000, to: START + 6000 },
      { cause: "queue", from: START + 6000, to: START + 8000 },
    ]);
  });

  test("a retry waits until it is due, and is the same task in another message", () => {
    const first = line(10, { state: "RETRY", next_attempt_at: "2026-11-24T12:00:40Z" });
    const at = (seconds: number) => recordsOf(factsOfLogEntry(first), START + seconds * 1000)[0];
    expect(at(20)).toMatchObject({ state: "retrying", dueAt: START + 40_000 });
    expect(at(50)).toMatchObject({ state: "waiting" });

    const second = line(50, {
      ...{ message_id: "m2", request_id: "r2", attempt: 2, queue_latency_seconds: 38.5 },
    });
    expect(tasksOf([second, first])).toMatchObject([
      {
        ...{ id: "t1", state: "ok", error: undefined },
        attempts: [
          { number: 1, state: "RETRY" },
          { number: 2, state: "SUCCESS" },
        ],
        waits: [{ cause: "queue" }, { cause: "retry", from: START + 9500, to: START + 48_000 }],
      },
    ]);
  });

  test("a task that was sent on for the rest of its delay is delayed, and was not executed", () => {
    const hop = line(10, { outcome: "delayed", state: undefined, hops: 1, due_in_seconds: 1800 });
    expect(recordsOf(factsOfLogEntry(hop), START + 20_000)).toMatchObject([
      { state: "delayed", dueAt: START + 1_810_000, attempts: [] },
    ]);
  });

  test("a message that comes back is hidden until its next delivery", () => {
    const failing = { outcome: "retry_later", reason: "store_failed", state: undefined };
    const first = line(10, { ...failing, receive_count: 1 }, { level: "ERROR" });
    expect(tasksOf([first])).toMatchObject([{ state: "hidden", dueAt: undefined }]);

    const again = { request_id: "r2", queue_latency_seconds: 43.5, receive_count: 2 };
    expect(tasksOf([line(50, again), first])).toMatchObject([
      {
        state: "ok",
        attempts: [
          { delivery: 1, reason: "store_failed" },
          { delivery: 2, outcome: "done" },
        ],
        waits: [{ cause: "queue" }, { cause: "hidden", from: START + 10_000, to: START + 48_000 }],
      },
    ]);
  });

  test("a duplicate is no second attempt", () => {
    const again = line(50, { request_id: "r2", outcome: "duplicate", state: undefined });
    expect(tasksOf([again, line(10)])).toMatchObject([{ state: "ok", attempts: [{ number: 1 }] }]);
  });

  test("Celery's own line gives the exception and its traceback, whichever comes first", () => {
    const exception = [
      "Traceback (most recent call last):",
      '  File "/app/shop/tasks.py", line 41, in pay',
      "    bank.call()",
      "shop.bank.Refused: no money",
      "ask again",
    ].join("\n");
    const trace = entry(
      9.9,
      { logger: "celery.app.trace", task_id: "t1", task_name: "shop.pay", exception },
      { level: "ERROR", message: "Task shop.pay[t1] raised unexpected" },
    );
    const end = line(10, { state: "FAILURE", exception_type: "shop.bank.Refused" });
    const error = { type: "Refused", message: "no money\nask again", traceback: exception };

    for (const entries of [
      [trace, end],
      [end, trace],
    ]) {
      expect(tasksOf(entries)).toMatchObject([
        { state: "failed", error, attempts: [{ error }], log: [{ level: "error" }, {}] },
      ]);
    }
    expect(tasksOf([end])).toMatchObject([{ error: { type: "Refused", message: "" } }]);
  });

  test("lines that a task has logged are its lines; alone they make no task", () => {
    const own = entry(9, { logger: "shop", task_id: "t1" }, { level: "WARN", message: "low" });
    expect(tasksOf([own])).toEqual([]);
    expect(tasksOf([own, line(10)])[0]?.log).toMatchObject([
      { level: "warning", message: "low" },
      {},
    ]);
  });

  test("a message of which no task is known is a row of its own", () => {
    const broken = { task_id: undefined, task_name: undefined, state: undefined };
    const bad = line(10, { ...broken, outcome: "dead", reason: "bad_envelope" });
    expect(tasksOf([bad])).toMatchObject([
      { id: "m1", name: undefined, state: "hidden", attempts: [{ reason: "bad_envelope" }] },
    ]);
  });

  test.each([
    ["a platform's", entry(1, {}, { json_payload: undefined, message: "REPORT RequestID: 1" })],
    ["a site's", entry(1, { logger: "django.request", status_code: 500 })],
    ["a timer's", line(1, { entry: "nightly" })],
    ["one without a time", line(1, {}, { timestamp: "yesterday" })],
    ["one of another shape", entry(1, {}, { json_payload: "text" as never })],
  ])("%s line says nothing of tasks", (_, foreign) => {
    expect(factsOfLogEntry(foreign)).toEqual([]);
  });

  test("a line that only looks like the worker's is no delivery", () => {
    expect(tasksOf([line(10, { logger: "shop" })])).toEqual([]);
  });

  test("lines late, repeated, under another uid, in any order: the same tasks", () => {
    const lines = [1, 2, 3, 4].flatMap((number) => [
      line(10 * number, { message_id: `a${number}`, task_id: `t${number}`, state: "RETRY" }),
      line(10 * number + 5, { message_id: `b${number}`, task_id: `t${number}`, attempt: 2 }),
      entry(10 * number + 1, { logger: "shop", task_id: `t${number}` }),
    ]);
    const twice = lines.filter(({ json_payload }) => json_payload?.outcome !== undefined);
    const facts = lines.flatMap(factsOfLogEntry);
    const again = twice.flatMap((one) => factsOfLogEntry({ ...one, uid: `${one.uid}-again` }));

    fc.assert(
      fc.property(anyOrder([...facts, ...again.filter(({ kind }) => kind !== "logged")]), (any) => {
        expect(recordsOf(any, LATER)).toEqual(recordsOf(facts, LATER));
      }),
    );
  });

  test("the same messages are the same tasks as in the local cloud", () => {
    const task = { id: "t1", name: "shop.pay", args: [], kwargs: {}, retries: 0 };
    const verdict = { outcome: "done" };
    const queue = "tasks";
    const local = factsOf(
      [
        { type: "published", queue, messageId: "m1", bytes: 1, delaySeconds: 0, task },
        { type: "received", queue, messageId: "m1", receiveCount: 1, by: "trigger", visibleAt: 0 },
        { type: "invoked", trigger: "t", container: "bba1", messageIds: ["m1"] },
        {
          ...{ type: "published", queue, messageId: "m2", bytes: 1, delaySeconds: 10 },
          task: { ...task, retries: 1 },
        },
        {
          type: "answered",
          messageIds: ["m1"],
          status: 200,
          verdicts: [{ ...verdict, messageId: "m1", state: "RETRY" }],
        },
        { type: "deleted", queue, messageId: "m1" },
        { type: "received", queue, messageId: "m2", receiveCount: 1, by: "trigger", visibleAt: 0 },
        { type: "invoked", trigger: "t", container: "bba1", messageIds: ["m2"] },
        {
          type: "answered",
          messageIds: ["m2"],
          status: 200,
          verdicts: [{ ...verdict, messageId: "m2", state: "FAILURE" }],
        },
        { type: "deleted", queue, messageId: "m2" },
      ],
      () => 1000,
    );
    const seconds = (at: number) => (1_000_000 + at * 1000 - START) / 1000;
    const deployed = [
      line(seconds(5), { state: "RETRY", duration_seconds: 2, queue_latency_seconds: 2 }),
      line(seconds(9), {
        ...{ message_id: "m2", request_id: "r2", attempt: 2, state: "FAILURE" },
        ...{ duration_seconds: 1, queue_latency_seconds: 4 },
      }),
    ];

    const essence = (records: ReturnType<typeof tasksOf>) =>
      records.map(({ id, name, state, publishedAt, attempts }) => ({
        ...{ id, name, state, publishedAt },
        attempts: attempts.map(
          ({ number, messageId, delivery, startedAt, endedAt, state: of }) => ({
            ...{ number, messageId, delivery, startedAt, endedAt, of },
          }),
        ),
      }));
    expect(essence(tasksOf(deployed))).toEqual(essence(recordsOf(local, LATER)));
  });

  test("anything may be in a line", () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("done", "m1", "t1", -1, 1e300, Number.NaN),
    );
    const payload = fc.dictionary(
      fc.constantFrom(
        ...[
          "logger",
          "message_id",
          "task_id",
          "task_name",
          "outcome",
          "state",
          "attempt",
          "sent_at",
        ],
        ...[
          "duration_seconds",
          "queue_latency_seconds",
          "due_in_seconds",
          "exception",
          "eta",
          "args",
        ],
      ),
      value,
    );
    fc.assert(
      fc.property(fc.array(payload), (payloads) => {
        const entries = payloads.map((fields, at) =>
          line(at, { ...fields, logger: "celery_push_worker" }),
        );
        for (const { attempts, waits } of tasksOf(entries)) {
          for (const { startedAt, endedAt = startedAt } of attempts) {
            expect(startedAt).toBeLessThanOrEqual(endedAt);
          }
          expect(waits.every(({ from, to }) => from < to)).toBe(true);
        }
      }),
    );
  });
});
