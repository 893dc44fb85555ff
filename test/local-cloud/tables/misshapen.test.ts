import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DocumentApiError } from "../../../packages/local-cloud/tables/_errors.ts";
import { Tables } from "../../../packages/local-cloud/tables/tables.ts";
import { sampled } from "../../support/sample.ts";

let tables: Tables;
beforeEach(async () => {
  tables = await Tables.open({ report: () => {} });
  await tables.ensureResultsTable("celery");
  await tables.call("PutItem", { TableName, Item });
});
afterEach(() => tables.close());

const TableName = "celery";
const Key = { id: { S: "k" } };
const Item = { ...Key, l: { L: [{ N: "1" }, { M: { a: { SS: ["x"] } } }] }, b: { B: "AAAA" } };
const index = {
  IndexName: "by-name",
  KeySchema: [{ AttributeName: "name", KeyType: "HASH" }],
  Projection: { ProjectionType: "ALL" },
};
const values = { ":v": { N: "1" }, ":s": { SS: ["x"] } };

/** A request of each kind that is right. */
const RIGHT: readonly (readonly [string, object])[] = [
  ["PutItem", { TableName, Item, ConditionExpression: "attribute_not_exists(zzz)" }],
  ["PutItem", { TableName, Item, Expected: { zzz: { Exists: false } }, ReturnValues: "ALL_OLD" }],
  [
    "UpdateItem",
    {
      ...{ TableName, Key, UpdateExpression: "SET #n = :v ADD s :s REMOVE l[0], l[1]" },
      ...{ ExpressionAttributeNames: { "#n": "n" }, ExpressionAttributeValues: values },
    },
  ],
  ["UpdateItem", { TableName, Key, AttributeUpdates: { n: { Action: "ADD", Value: { N: "1" } } } }],
  ["GetItem", { TableName, Key, ProjectionExpression: "l[1].a, b" }],
  ["DeleteItem", { TableName, Key, ReturnValues: "ALL_OLD" }],
  [
    "Query",
    {
      ...{ TableName, KeyConditionExpression: "id = :id", Limit: 3, ScanIndexForward: false },
      ExpressionAttributeValues: { ":id": Key.id },
    },
  ],
  [
    "Query",
    {
      TableName,
      KeyConditions: { id: { ComparisonOperator: "EQ", AttributeValueList: [Key.id] } },
    },
  ],
  [
    "Scan",
    {
      ...{ TableName, FilterExpression: "size(l) > :v OR contains(l, :v)" },
      ...{ ExclusiveStartKey: Key, ExpressionAttributeValues: { ":v": values[":v"] } },
    },
  ],
  ["BatchGetItem", { RequestItems: { celery: { Keys: [Key], AttributesToGet: ["l"] } } }],
  [
    "BatchWriteItem",
    {
      RequestItems: {
        celery: [{ PutRequest: { Item } }, { DeleteRequest: { Key: { id: { S: "z" } } } }],
      },
    },
  ],
  [
    "CreateTable",
    {
      TableName: "made",
      AttributeDefinitions: ["id", "name"].map((AttributeName) => ({
        AttributeName,
        AttributeType: "S",
      })),
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      ...{ GlobalSecondaryIndexes: [index], BillingMode: "PAY_PER_REQUEST" },
    },
  ],
  [
    "UpdateTable",
    { TableName, ProvisionedThroughput: { ReadCapacityUnits: 2, WriteCapacityUnits: 2 } },
  ],
  ["DescribeTable", { TableName }],
  ["ListTables", { Limit: 5, ExclusiveStartTableName: "aaa" }],
  ["DescribeTimeToLive", { TableName }],
  [
    "UpdateTimeToLive",
    { TableName, TimeToLiveSpecification: { AttributeName: "x", Enabled: true } },
  ],
];
const WRONG = [null, [], {}, [null], { a: null }, "", "x", ":v", -1, 0.5, 1e300, true, { S: null }];

type Path = readonly string[];

/** All places in a request. */
function placesIn(value: unknown, path: Path = []): Path[] {
  const inner = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [path, ...inner.flatMap(([key, child]) => placesIn(child, [...path, key]))];
}

function put(value: unknown, [key, ...rest]: Path, wrong: unknown): unknown {
  if (key === undefined) return wrong;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = put(copy[key], rest, wrong);
  return copy;
}

async function call(operation: string, input: unknown): Promise<"answered" | "refused"> {
  try {
    await tables.call(operation, input as Record<string, unknown>);
    return "answered";
  } catch (error) {
    expect(error, `${operation} ${JSON.stringify(input)}: ${error}`).toBeInstanceOf(
      DocumentApiError,
    );
    expect((error as DocumentApiError).status).toBe(400);
    return "refused";
  }
}

test.each(RIGHT)("%s is answered", async (operation, input) => {
  const known = ["TimeToLive is active on a different", "when BillingMode is PAY_PER_REQUEST"];
  await tables.call(operation, structuredClone(input) as never).catch((error) => {
    expect(known.some((text) => String(error).includes(text))).toBe(true);
  });
});

describe("a request with something wrong in it", () => {
  test.each(RIGHT)(
    "%s is answered or refused, and never an error of ours",
    async (operation, input) => {
      for (const place of placesIn(input).slice(1)) await call(operation, put(input, place, null));
      const places = fc.constantFrom(...placesIn(input).slice(1));
      await fc.assert(
        fc.asyncProperty(places, places, fc.constantFrom(...WRONG), async (one, other, wrong) => {
          await call(operation, put(input, one, wrong));
          const twice = put(input, one, wrong);
          if (placesIn(twice).some((place) => place.join() === other.join())) {
            await call(operation, put(twice, other, null));
          }
        }),
        { numRuns: sampled("misshapen requests of a kind", 50, 2_000) },
      );
      // Nothing was left half done: who comes next is answered.
      expect(await call("PutItem", { TableName, Item })).toBe("answered");
    },
  );

  test("says where a null is", async () => {
    const input = { TableName: "made", GlobalSecondaryIndexes: [null], KeySchema: [] };
    await expect(tables.call("CreateTable", input)).rejects.toMatchObject({
      status: 400,
      code: "ValidationException",
      message: "GlobalSecondaryIndexes[0] is null. Give it a value, or leave it out.",
    });
  });
});
