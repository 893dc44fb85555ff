import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clientOf, openTables } from "./_tables.ts";

let tables: Awaited<ReturnType<typeof openTables>>;
let client: DynamoDBClient;
beforeEach(async () => {
  tables = await openTables();
  client = tables.client;
});
afterEach(() => tables.close());

const put = (id: string, more = {}, table = "celery") =>
  client.send(new PutItemCommand({ TableName: table, Item: { id: { S: id }, ...more } }));
const get = async (id: string, table = "celery") =>
  (await client.send(new GetItemCommand({ TableName: table, Key: { id: { S: id } } }))).Item;
const ids = async (table = "celery") =>
  (await client.send(new ScanCommand({ TableName: table }))).Items?.map(({ id }) => id?.S).sort();

describe("the table of results", () => {
  test("is there at start, and results expire", async () => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: "celery" }));
    expect(Table).toMatchObject({
      TableStatus: "ACTIVE",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    });
    const { TimeToLiveDescription } = await client.send(
      new DescribeTimeToLiveCommand({ TableName: "celery" }),
    );
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: "ENABLED", AttributeName: "ttl" });
  });

  test("reports a result as Celery writes it", async () => {
    const meta = { status: "FAILURE", result: { exc_type: "KeyError" }, traceback: "Traceback" };
    const result = { B: Buffer.from(JSON.stringify({ ...meta, task_id: "t1" })) };
    await put("b'celery-task-meta-t1'", { result });
    await put("b'celery-task-meta-t2'", { result: { B: Buffer.from("a pickle") } });
    await put("b'chord-unlock-t3'", { result });
    expect(tables.reported).toEqual([
      {
        type: "stored",
        table: "celery",
        taskId: "t1",
        state: "FAILURE",
        result: { exc_type: "KeyError" },
        traceback: "Traceback",
      },
    ]);
  });

  test("counts a chord with SET a = a + :n", async () => {
    await put("chord", { chord_count: { N: "0" } });
    const count = () =>
      client.send(
        new UpdateItemCommand({
          TableName: "celery",
          Key: { id: { S: "chord" } },
          UpdateExpression: "SET chord_count = chord_count + :num",
          ExpressionAttributeValues: { ":num": { N: "1" } },
          ReturnValues: "UPDATED_NEW",
        }),
      );
    const counts = await Promise.all(Array.from({ length: 20 }, count));
    const values = counts.map(({ Attributes }) => Number(Attributes?.chord_count?.N));
    expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });
});

describe("expiry", () => {
  const seconds = () => Math.floor(tables.clock.now() / 1000);
  const settings = (AttributeName: string, Enabled: boolean, TableName = "celery") =>
    client.send(
      new UpdateTimeToLiveCommand({
        TableName,
        TimeToLiveSpecification: { AttributeName, Enabled },
      }),
    );

  test("deletes an item whose time is over, and no other", async () => {
    await put("soon", { ttl: { N: String(seconds() + 5) } });
    await put("later", { ttl: { N: String(seconds() + 500) } });
    await put("prolonged", { ttl: { N: String(seconds() + 5) } });
    await put("prolonged", { ttl: { N: String(seconds() + 500) } });
    await put("kept", { ttl: { S: "5" } });
    tables.clock.turn(4);
    expect(await ids()).toEqual(["kept", "later", "prolonged", "soon"]);
    tables.clock.turn(2);
    await expect.poll(() => get("soon")).toBeUndefined();
    expect(await ids()).toEqual(["kept", "later", "prolonged"]);
  });

  test("holds for what was written before it was switched on", async () => {
    await settings("ttl", false);
    await put("old", { ttl: { N: String(seconds() - 5) } });
    tables.clock.turn(10);
    expect(await ids()).toEqual(["old"]);
    await settings("ttl", true);
    tables.clock.turn(2);
    await expect.poll(() => get("old")).toBeUndefined();
  });

  test.each([
    ["is on already", "ttl", true, "TimeToLive is already enabled"],
    ["has another attribute", "end", true, "TimeToLive is active on a different AttributeName"],
  ])("fails when it %s", async (_, attribute, enabled, message) => {
    await expect(settings(attribute, enabled)).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining(message),
    });
  });

  test("fails when there is no such table", async () => {
    const failure = { name: "ResourceNotFoundException" };
    await expect(settings("ttl", true, "nowhere")).rejects.toMatchObject(failure);
    await expect(
      client.send(new DescribeTimeToLiveCommand({ TableName: "nowhere" })),
    ).rejects.toMatchObject(failure);
  });
});

describe("tables", () => {
  const NOTES: CreateTableCommandInput = {
    TableName: "app/notes",
    KeySchema: [
      { AttributeName: "id", KeyType: "HASH" },
      { AttributeName: "at", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "id", AttributeType: "S" },
      { AttributeName: "at", AttributeType: "N" },
      { AttributeName: "author", AttributeType: "S" },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: "by-author",
        KeySchema: [{ AttributeName: "author", KeyType: "HASH" }],
        Projection: { ProjectionType: "ALL" },
      },
    ],
  };
  const byAuthor = async (author: string) => {
    const { Items } = await client.send(
      new QueryCommand({
        TableName: "app/notes",
        IndexName: "by-author",
        KeyConditionExpression: "author = :author",
        ExpressionAttributeValues: { ":author": { S: author } },
      }),
    );
    return Items?.map(({ at }) => at?.N).sort();
  };

  test("may lie in folders, and have indexes", async () => {
    await client.send(new CreateTableCommand(NOTES));
    const note = (at: number, author: string) => ({
      id: { S: "n" },
      at: { N: String(at) },
      author: { S: author },
    });
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          "app/notes": [1, 2, 3].map((at) => ({ PutRequest: { Item: note(at, "ann") } })),
        },
      }),
    );
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          "app/notes": [
            { PutRequest: { Item: note(2, "bob") } },
            { DeleteRequest: { Key: { id: { S: "n" }, at: { N: "3" } } } },
          ],
        },
      }),
    );
    expect(await byAuthor("ann")).toEqual(["1"]);
    expect(await byAuthor("bob")).toEqual(["2"]);
    const { Responses } = await client.send(
      new BatchGetItemCommand({
        RequestItems: { "app/notes": { Keys: [{ id: { S: "n" }, at: { N: "2" } }] } },
      }),
    );
    expect(Responses).toEqual({ "app/notes": [note(2, "bob")] });
    const { TableNames } = await client.send(new ListTablesCommand({}));
    expect(TableNames).toEqual(["app/notes", "celery"]);
    await client.send(new DeleteTableCommand({ TableName: "app/notes" }));
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual(["celery"]);
  });

  test("take the throughput that Celery states, and what UpdateTable changes of it", async () => {
    const ProvisionedThroughput = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
    const table = { ...NOTES, GlobalSecondaryIndexes: undefined, ProvisionedThroughput };
    await client.send(
      new CreateTableCommand({
        ...table,
        AttributeDefinitions: NOTES.AttributeDefinitions?.slice(0, 2),
      }),
    );
    await client.send(
      new UpdateTableCommand({ TableName: "app/notes", BillingMode: "PAY_PER_REQUEST" }),
    );
    const { Table } = await client.send(new DescribeTableCommand({ TableName: "app/notes" }));
    expect(Table?.BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
  });

  test.each([
    ["an index holds part of the items", { ProjectionType: "KEYS_ONLY" as const }],
    ["an index does not say what it holds", {}],
  ])("fails when %s", async (_, Projection) => {
    const index = { ...NOTES.GlobalSecondaryIndexes?.[0], Projection };
    await expect(
      client.send(new CreateTableCommand({ ...NOTES, GlobalSecondaryIndexes: [index as never] })),
    ).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining("The Document API supports ALL only"),
    });
  });
});

test.each([
  ["TransactWriteItems", new TransactWriteItemsCommand({ TransactItems: [] })],
  ["TransactGetItems", new TransactGetItemsCommand({ TransactItems: [] })],
])("%s says that it is not emulated", async (operation, command) => {
  await expect(client.send(command as TransactWriteItemsCommand)).rejects.toMatchObject({
    name: "UnknownOperationException",
    message: expect.stringContaining(`${operation} is not emulated`),
  });
});

describe("a container", () => {
  const KeySchema = [{ AttributeName: "id", KeyType: "HASH" as const }];
  const AttributeDefinitions = [{ AttributeName: "id", AttributeType: "S" as const }];
  const create = new CreateTableCommand({ TableName: "mine", KeySchema, AttributeDefinitions });

  test("may not create or change tables; whoever deploys may", async () => {
    const container = clientOf(tables.url, "local-runtime");
    const TimeToLiveSpecification = { AttributeName: "ttl", Enabled: false };
    const denied = { name: "AccessDeniedException" };
    await expect(container.send(create)).rejects.toMatchObject(denied);
    await expect(
      container.send(new DeleteTableCommand({ TableName: "celery" })),
    ).rejects.toMatchObject(denied);
    await expect(
      container.send(new UpdateTimeToLiveCommand({ TableName: "celery", TimeToLiveSpecification })),
    ).rejects.toMatchObject(denied);
    expect(tables.reported[0]).toMatchObject({
      message: expect.stringMatching(/^CreateTable: A container may not do this/),
      fix: expect.stringContaining("results.table"),
    });
    const Item = { id: { S: "written" } };
    await container.send(new PutItemCommand({ TableName: "celery", Item }));
    await container.send(new DescribeTableCommand({ TableName: "celery" }));
    await container.send(new DescribeTimeToLiveCommand({ TableName: "celery" }));
    await client.send(create);
    container.destroy();
  });
});

describe("the server", () => {
  const ask = (headers: Record<string, string>, body = "{}") =>
    fetch(tables.url, {
      method: "POST",
      headers: {
        authorization: "Bearer t1.token",
        "x-amz-target": "DynamoDB_20120810.ListTables",
        ...headers,
      },
      body,
    });

  const errorOf = async (response: Response) =>
    (await response.json()) as { __type: string; message: string };

  test("takes a token in place of a signature", async () => {
    expect(await (await ask({})).json()).toEqual({ TableNames: ["celery"] });
  });

  test.each([
    ["an operation that the cloud lacks", { "x-amz-target": "DynamoDB_20120810.TagResource" }, 400],
    ["no operation", { "x-amz-target": "" }, 400],
    ["no signature", { authorization: "" }, 400],
    ["a page of another site", { origin: "https://example.com" }, 403],
  ])("rejects %s, and reports it", async (_, headers, status) => {
    const response = await ask(headers);
    expect(response.status).toBe(status);
    const { __type, message } = await errorOf(response);
    expect(tables.reported).toEqual([
      {
        type: "refused",
        by: "tables",
        code: __type.split("#").at(-1),
        message: expect.stringContaining(message),
      },
    ]);
  });

  test("says where the table's name comes from", async () => {
    await expect(put("a", {}, "elsewhere")).rejects.toThrow("Requested resource not found");
    expect(tables.reported).toMatchObject([
      { code: "ResourceNotFoundException", fix: expect.stringContaining("'results.table'") },
    ]);
  });

  test.each([["not JSON"], ["[]"], ["null"], ['"text"']])("rejects the body %s", async (body) => {
    const response = await ask({}, body);
    expect(response.status).toBe(400);
    expect((await errorOf(response)).__type).toContain("SerializationException");
  });

  test("does not report what programs provoke on purpose", async () => {
    await put("a");
    const condition = { ConditionExpression: "attribute_not_exists(id)" };
    await expect(put("a", {}, "celery")).resolves.toBeDefined();
    await expect(
      client.send(
        new DeleteItemCommand({ TableName: "celery", Key: { id: { S: "a" } }, ...condition }),
      ),
    ).rejects.toMatchObject({ name: "ConditionalCheckFailedException" });
    await expect(
      client.send(new DescribeTableCommand({ TableName: "nowhere" })),
    ).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    expect(tables.reported).toEqual([]);
  });
});
