import { describe, expect, test } from "vitest";
import { readResults, resultFact } from "../../../scripts/lib/cloud/task-results.ts";
import { ACCESS, bodyOf, fakeSystem, type Routes } from "../_system.ts";

const URL = "https://docapi.example/db";
const GET = `POST ${URL} BatchGetItem`;

const keys = (id: string) => [`b'celery-task-meta-${id}'`, `celery-task-meta-${id}`];
const item = (key: string, result: string) => ({
  id: { S: key },
  result: { B: Buffer.from(result).toString("base64") },
});
const answer = (items: object[], rest: object = {}) => ({
  body: { Responses: { celery: items }, UnprocessedKeys: rest },
});
const error = (name: string, status = 400) => ({
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: "m" },
});

function read(answers: Routes[string], ids: readonly string[]) {
  const system = fakeSystem({ routes: { [GET]: answers } });
  const options = { system, access: ACCESS, endpoint: URL, table: "celery" };
  return { system, results: readResults(options, ids) };
}

describe("readResults", () => {
  test("finds what Celery has recorded under either key, and nothing of what nobody can read", async () => {
    const { results } = read(
      answer([
        item("b'celery-task-meta-a'", '{"status":"SUCCESS","result":5}'),
        item("celery-task-meta-b", '{"status":"FAILURE","result":{},"traceback":"T"}'),
        item("b'celery-task-meta-c'", "\x80 pickled"),
        item("b'celery-task-meta-d'", '{"result":5}'),
        { id: { S: "another key" } },
      ]),
      ["a", "b", "c", "d", "e"],
    );

    expect([...(await results)]).toEqual([
      ["a", { state: "SUCCESS", result: 5, at: 0 }],
      ["b", { state: "FAILURE", result: {}, traceback: "T", at: 0 }],
    ]);
  });

  test.each([
    ["2026-01-02T03:04:05.5", "2026-01-02T03:04:05.500Z"],
    ["2026-01-02T03:04:05+03:00", "2026-01-02T00:04:05.000Z"],
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"],
    ["soon", "1970-01-01T00:00:00.000Z"],
  ])("reads Celery's time %s", async (done, time) => {
    const text = JSON.stringify({ status: "SUCCESS", date_done: done });
    const { results } = read(answer([item("b'celery-task-meta-a'", text)]), ["a"]);

    expect(new Date((await results).get("a")?.at ?? Number.NaN).toISOString()).toBe(time);
  });

  test("asks for each once, a hundred keys at a time, and again for what was left out", async () => {
    const ids = Array.from({ length: 51 }, (_, number) => `t${number}`);
    const left = keys("t1").map((key) => ({ id: { S: key } }));
    const { system, results } = read(
      [
        answer([item("b'celery-task-meta-t0'", '{"status":"A"}')], { celery: { Keys: left } }),
        error("ProvisionedThroughputExceededException", 503),
        answer([item("b'celery-task-meta-t1'", '{"status":"B"}')]),
        answer([]),
      ],
      [...ids, ...ids],
    );

    expect([...(await results).keys()]).toEqual(["t0", "t1"]);
    const asked = system.sent.map(({ init }) => {
      const { RequestItems } = bodyOf(init) as { RequestItems: { celery: { Keys: object[] } } };
      return RequestItems.celery.Keys;
    });
    expect(asked.map((some) => some.length)).toEqual([100, 2, 2, 2]);
    expect(asked[1]).toEqual(left);
    expect(asked[3]).toEqual(keys("t50").map((key) => ({ id: { S: key } })));
  });

  test("asks nothing for no ids, and finds nothing where there is no table", async () => {
    expect([...(await read([], []).results)]).toEqual([]);
    expect([...(await read(error("ResourceNotFoundException"), ["a"]).results)]).toEqual([]);
  });

  test("says why it may not ask", async () => {
    await expect(read(error("AccessDeniedException"), ["a"]).results).rejects.toThrow(
      "Document API, BatchGetItem: AccessDeniedException (400) m. Grant ydb.editor on the folder to the account that deploys.",
    );
  });
});

describe("resultFact", () => {
  test("is a fact of the task", () => {
    expect(resultFact("t1", { state: "SUCCESS", result: 42, at: 5 })).toEqual({
      ...{ id: "result/t1/SUCCESS/5", at: 5, kind: "stored" },
      ...{ taskId: "t1", state: "SUCCESS", result: 42 },
    });
  });

  test("has a failure's exception with its traceback", () => {
    const result = { exc_type: "KeyError", exc_message: ["x"], exc_module: "builtins" };

    expect(
      resultFact("t1", { state: "FAILURE", result, traceback: "Traceback", at: 5 }),
    ).toMatchObject({
      state: "FAILURE",
      error: { type: "KeyError", message: "x", traceback: "Traceback" },
    });
  });
});
