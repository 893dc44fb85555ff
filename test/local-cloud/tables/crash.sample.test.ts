import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sampled } from "../../support/sample.ts";
import { clientOf, openTables } from "./_tables.ts";

const KILLS = sampled("kills of the tables' process", 4, 40);
const WRITERS = 8;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tables-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const put = (client: DynamoDBClient, id: string, more = {}) =>
  client.send(new PutItemCommand({ TableName: "celery", Item: { id: { S: id }, ...more } }));

async function idsIn(client: DynamoDBClient): Promise<string[]> {
  const ids: string[] = [];
  let ExclusiveStartKey: Record<string, never> | undefined;
  do {
    const page = await client.send(new ScanCommand({ TableName: "celery", ExclusiveStartKey }));
    ids.push(...(page.Items ?? []).map(({ id }) => String(id?.S)));
    ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey;
  } while (ExclusiveStartKey);
  return ids.sort();
}

describe("a directory", () => {
  test("keeps tables, items and expiry", async () => {
    const first = await openTables({ directory });
    await first.client.send(
      new CreateTableCommand({
        TableName: "app/other",
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      }),
    );
    await put(first.client, "kept", { text: { S: "Привет" } });
    await put(first.client, "expired", { ttl: { N: String(first.clock.now() / 1000 + 10) } });
    await first.close();

    const second = await openTables({ directory });
    expect((await second.client.send(new ListTablesCommand({}))).TableNames).toEqual([
      "app/other",
      "celery",
    ]);
    const { TimeToLiveDescription } = await second.client.send(
      new DescribeTimeToLiveCommand({ TableName: "celery" }),
    );
    expect(TimeToLiveDescription?.AttributeName).toBe("ttl");
    expect(await idsIn(second.client)).toEqual(["expired", "kept"]);
    second.clock.turn(20);
    await expect.poll(() => idsIn(second.client)).toHaveLength(1);
    await second.client.send(new DeleteTableCommand({ TableName: "app/other" }));
    await second.close();

    const third = await openTables({ directory });
    expect((await third.client.send(new ListTablesCommand({}))).TableNames).toEqual(["celery"]);
    const { Item } = await third.client.send(
      new GetItemCommand({ TableName: "celery", Key: { id: { S: "kept" } } }),
    );
    expect(Item?.text).toEqual({ S: "Привет" });
    expect(await idsIn(third.client)).toEqual(["kept"]);
    await third.close();
  });

  test("holds each item once after a restart, however often it was written", async () => {
    const first = await openTables({ directory });
    for (let count = 0; count < 50; count++) await put(first.client, "one");
    await first.close();
    const file = join(directory, "tables.jsonl");
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(53);
    await (await openTables({ directory })).close();
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(4);
  });

  test("loses no more than the line that a crash has cut off", async () => {
    const first = await openTables({ directory });
    await put(first.client, "whole");
    await first.close();
    appendFileSync(join(directory, "tables.jsonl"), '{"type":"items","changes":[{"ta');
    const second = await openTables({ directory });
    await put(second.client, "next");
    await second.close();
    const third = await openTables({ directory });
    expect(await idsIn(third.client)).toEqual(["next", "whole"]);
    await third.close();
  });

  test("is its owner's alone, and so are the tables", async () => {
    const inside = join(directory, "data", "tables");
    await (await openTables({ directory: inside })).close();
    const modes = [join(directory, "data"), inside, join(inside, "tables.jsonl")].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o700, 0o600]);
  });

  test("is refused when it is damaged, by the line", async () => {
    writeFileSync(join(directory, "tables.jsonl"), '{"type":"expiry","table":"a"}\nnonsense\n');
    await expect(openTables({ directory })).rejects.toThrow(
      /tables\.jsonl:2 is damaged\. Remove the line, or move the file away/,
    );
  });
});

test(`nothing accepted is lost by kill -9, and no batch is split (${KILLS} times)`, async () => {
  const accepted = new Set<string>();
  for (let kill = 0; kill < KILLS; kill++) {
    const { child, client } = await serve();
    await expectAll(client, accepted);
    const writers = Array.from({ length: WRITERS }, (_, writer) =>
      writeUntilKilled(client, `${kill}-${writer}`, accepted),
    );
    const before = accepted.size;
    await expect.poll(() => accepted.size, { interval: 5 }).toBeGreaterThan(before + 50);
    setTimeout(() => child.kill("SIGKILL"), Math.random() * 100);
    await once(child, "exit");
    await Promise.all(writers);
    client.destroy();
  }
  const { child, client } = await serve();
  await expectAll(client, accepted);
  client.destroy();
  child.stdin?.end();
  await once(child, "exit");
  console.log(`${accepted.size} accepted items survived ${KILLS} kills`);
});

async function serve(): Promise<{ child: ChildProcess; client: DynamoDBClient }> {
  const entry = "test/local-cloud/tables/_serve.ts";
  const child = spawn(process.execPath, ["run.mjs", entry, directory], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = await once(createInterface(child.stdout), "line");
  return { child, client: clientOf(JSON.parse(line).url) };
}

/** Writes pairs in batches and single items in turn. */
async function writeUntilKilled(
  client: DynamoDBClient,
  prefix: string,
  accepted: Set<string>,
): Promise<void> {
  for (let count = 0; ; count++) {
    const ids =
      count % 2 ? [`${prefix}-${count}-left`, `${prefix}-${count}-right`] : [`${prefix}-${count}`];
    const puts = ids.map((id) => ({ PutRequest: { Item: { id: { S: id } } } }));
    try {
      if (ids.length === 1) await put(client, ids[0] ?? "");
      else await client.send(new BatchWriteItemCommand({ RequestItems: { celery: puts } }));
    } catch {
      return;
    }
    for (const id of ids) accepted.add(id);
  }
}

async function expectAll(client: DynamoDBClient, accepted: ReadonlySet<string>): Promise<void> {
  const found = new Set(await idsIn(client));
  expect([...accepted].filter((id) => !found.has(id))).toEqual([]);
  const left = [...found].filter((id) => id.endsWith("left"));
  expect(left.filter((id) => !found.has(id.replace("left", "right")))).toEqual([]);
  const right = [...found].filter((id) => id.endsWith("right"));
  expect(right).toHaveLength(left.length);
}
