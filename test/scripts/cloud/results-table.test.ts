import { describe, expect, test } from "vitest";
import { ensureTable } from "../../../scripts/lib/cloud/results-table.ts";
import { ACCESS, bodyOf, fakeSystem, type Routes } from "../_system.ts";

const URL = "https://docapi.example/db";
const on = (action: string) => `POST ${URL} ${action}`;
const table = (TableStatus: string, key = "id") => ({
  body: { Table: { TableStatus, KeySchema: [{ AttributeName: key, KeyType: "HASH" }] } },
});
const expiry = (TimeToLiveStatus: string, AttributeName = "ttl") => ({
  body: { TimeToLiveDescription: { TimeToLiveStatus, AttributeName } },
});
const error = (name: string, status = 400, message = "m") => ({
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message },
});

describe("ensureTable", () => {
  test("creates the table, waits for it, and has old results expire", async () => {
    const { system, run } = prepare({
      [on("DescribeTable")]: [
        error("ResourceNotFoundException"),
        table("CREATING"),
        table("ACTIVE"),
      ],
      [on("CreateTable")]: {},
      [on("DescribeTimeToLive")]: [expiry("DISABLED"), expiry("DISABLED"), expiry("ENABLING")],
      [on("UpdateTimeToLive")]: {},
    });

    expect(await run()).toBe("created");
    const bodies = system.sent.map(({ request, init }) => [request.split(" ")[2], bodyOf(init)]);
    expect(bodies).toEqual([
      ["DescribeTable", { TableName: "celery" }],
      [
        "CreateTable",
        {
          TableName: "celery",
          AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
          KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
          BillingMode: "PAY_PER_REQUEST",
        },
      ],
      ["DescribeTable", { TableName: "celery" }],
      ["DescribeTable", { TableName: "celery" }],
      ["DescribeTimeToLive", { TableName: "celery" }],
      [
        "UpdateTimeToLive",
        { TableName: "celery", TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true } },
      ],
      ["DescribeTimeToLive", { TableName: "celery" }],
      ["DescribeTimeToLive", { TableName: "celery" }],
    ]);
    expect(
      new Set(
        system.sent
          .map(({ init }) => JSON.stringify(init?.headers))
          .map((h) => h.replace(/"DynamoDB_20120810\.\w+"/, "X")),
      ),
    ).toEqual(
      new Set([
        '{"authorization":"Bearer t1.token","content-type":"application/x-amz-json-1.0","x-amz-target":X}',
      ]),
    );
  });

  test.each(["ENABLED", "ENABLING"])("changes nothing when expiry is %s", async (status) => {
    const { system, run } = prepare({
      [on("DescribeTable")]: table("ACTIVE"),
      [on("DescribeTimeToLive")]: expiry(status),
    });

    expect(await run()).toBe("unchanged");
    expect(system.sent).toHaveLength(3);
  });

  test("finishes what an interrupted run began", async () => {
    const { run } = prepare({
      [on("DescribeTable")]: table("ACTIVE"),
      [on("DescribeTimeToLive")]: [{ body: {} }, expiry("ENABLED")],
      [on("UpdateTimeToLive")]: {},
    });

    expect(await run()).toBe("expiry switched on");
  });

  test("does not mind that somebody else makes the table or switches expiry on", async () => {
    const { run } = prepare({
      [on("DescribeTable")]: [error("ResourceNotFoundException"), table("ACTIVE")],
      [on("CreateTable")]: error("ResourceInUseException"),
      [on("DescribeTimeToLive")]: [expiry("DISABLED"), expiry("ENABLING")],
      [on("UpdateTimeToLive")]: error("ValidationException"),
    });

    expect(await run()).toBe("created");
  });

  test("passes on why expiry cannot be looked at", async () => {
    const { run } = prepare({
      [on("DescribeTable")]: table("ACTIVE"),
      [on("DescribeTimeToLive")]: error("AccessDeniedException", 400, "no right"),
    });

    await expect(run()).rejects.toThrow("no right");
  });

  test("passes on why expiry cannot be switched on", async () => {
    const { run } = prepare({
      [on("DescribeTable")]: table("ACTIVE"),
      [on("DescribeTimeToLive")]: [expiry("DISABLED"), expiry("ENABLED")],
      [on("UpdateTimeToLive")]: error("AccessDeniedException", 400, "no right"),
    });

    await expect(run()).rejects.toThrow("no right");
  });

  test("tries again while the database is not ready", async () => {
    const { run } = prepare({
      [on("DescribeTable")]: [error("InternalServerError", 503), table("ACTIVE")],
      [on("DescribeTimeToLive")]: expiry("ENABLED"),
    });

    expect(await run()).toBe("unchanged");
  });

  test.each<[string, Routes, string]>([
    [
      "a table with another key",
      { [on("DescribeTable")]: table("ACTIVE", "task") },
      "Table celery exists with the key task, but Celery needs 'id'. Set 'results.table' in config.ts to another name.",
    ],
    [
      "rows that expire by another attribute",
      {
        [on("DescribeTable")]: table("ACTIVE"),
        [on("DescribeTimeToLive")]: expiry("ENABLED", "expires"),
      },
      "Rows of table celery expire by 'expires', but Celery writes 'ttl'. Set 'results.table' in config.ts to another name.",
    ],
    [
      "an account without rights",
      { [on("DescribeTable")]: error("AccessDeniedException", 400, "denied") },
      "Document API, DescribeTable: AccessDeniedException (400) denied. Grant ydb.editor on the folder to the account that deploys.",
    ],
    [
      "a failed creation",
      {
        [on("DescribeTable")]: error("ResourceNotFoundException"),
        [on("CreateTable")]: error("LimitExceededException", 400, "too many"),
      },
      "Document API, CreateTable: LimitExceededException (400) too many.",
    ],
    [
      "a failed update",
      {
        [on("DescribeTable")]: table("ACTIVE"),
        [on("DescribeTimeToLive")]: expiry("DISABLED"),
        [on("UpdateTimeToLive")]: error("LimitExceededException", 400, "too many"),
      },
      "Document API, UpdateTimeToLive: LimitExceededException (400) too many.",
    ],
    [
      "an answer that is no answer",
      { [on("DescribeTable")]: { status: 404, body: "<html>" } },
      "Document API, DescribeTable: unknown error (404) <html>.",
    ],
    [
      "a table that never becomes active",
      { [on("DescribeTable")]: table("CREATING") },
      "Table celery does not become active. Run `npm run table` again later.",
    ],
    [
      "expiry that never comes",
      {
        [on("DescribeTable")]: table("ACTIVE"),
        [on("DescribeTimeToLive")]: expiry("DISABLED"),
        [on("UpdateTimeToLive")]: {},
      },
      "Expiry of table celery is not switched on. Run `npm run table` again later.",
    ],
  ])("refuses %s", async (_, routes, message) => {
    await expect(prepare(routes).run()).rejects.toThrow(message);
  });
});

function prepare(routes: Routes) {
  const system = fakeSystem({ routes });
  return {
    system,
    run: () => ensureTable({ system, access: ACCESS, endpoint: URL, table: "celery" }),
  };
}
