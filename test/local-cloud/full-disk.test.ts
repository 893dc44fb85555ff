import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openQueueJournal } from "../../packages/local-cloud/queue/journal.ts";
import { startQueueServer } from "../../packages/local-cloud/queue/server.ts";
import { haveSmallDisks, SmallDisk } from "./_small-disk.ts";
import { makeQueues, spec } from "./queue/support.ts";
import { openTables } from "./tables/_tables.ts";

const LARGE = "x".repeat(10_000);

describe.skipIf(!haveSmallDisks())("when a full disk has space again", () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = new SmallDisk();
  });
  afterEach(() => disk.remove());

  test("the queue works again, and has all that it had accepted", async () => {
    const { queues, send, receive, close } = await openQueue(disk.directory);
    await send("before");
    disk.fill();
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(send(LARGE)).rejects.toThrow(/could not be written \(ENOSPC.*Free space/);
    }
    expect(await receive(), "is still read").toBe("before");
    disk.empty();
    await send("after");
    // The first that was refused was taken already; what came after it was not even tried.
    expect(queues.peek("tasks").map(({ body }) => body)).toEqual(["before", LARGE, "after"]);
    await close();
    const again = await openQueue(disk.directory);
    expect(again.queues.peek("tasks").map(({ body }) => body)).toEqual(["before", LARGE, "after"]);
    await again.close();
  });

  test("the tables work again, and have all that they had accepted", async () => {
    const tables = await openTables({ directory: disk.directory });
    const put = (id: string, text = "") =>
      tables.client.send(
        new PutItemCommand({ TableName: "celery", Item: { id: { S: id }, text: { S: text } } }),
      );
    await put("before");
    disk.fill();
    await expect(put("large", LARGE)).rejects.toThrow(/could not be written \(ENOSPC.*Free space/);
    const count = () =>
      tables.client.send(
        new UpdateItemCommand({
          ...{ TableName: "celery", Key: { id: { S: "counter" } } },
          UpdateExpression: "ADD n :one",
          ExpressionAttributeValues: { ":one": { N: "1" } },
        }),
      );
    for (let attempt = 0; attempt < 3; attempt++) await expect(count()).rejects.toThrow(/ENOSPC/);
    disk.empty();
    await count();
    await tables.client.send(
      new DeleteItemCommand({ TableName: "celery", Key: { id: { S: "before" } } }),
    );
    await tables.close();
    const again = await openTables({ directory: disk.directory });
    const get = async (id: string) =>
      (await again.client.send(new GetItemCommand({ TableName: "celery", Key: { id: { S: id } } })))
        .Item;
    expect(await get("counter"), "counted once").toMatchObject({ n: { N: "1" } });
    expect(await get("large")).toMatchObject({ text: { S: LARGE } });
    expect(await get("before")).toBeUndefined();
    await again.close();
  });
});

async function openQueue(directory: string) {
  const journal = await openQueueJournal(directory);
  const { queues } = makeQueues([spec("tasks")], { journal });
  const server = await startQueueServer({ queues, port: 0, report: () => {} });
  const client = new SQSClient({
    endpoint: server.url,
    region: "ru-central1",
    credentials: { accessKeyId: "key", secretAccessKey: "secret" },
    maxAttempts: 1,
  });
  const QueueUrl = queues.urlOf("tasks", server.url);
  return {
    queues,
    send: (MessageBody: string) => client.send(new SendMessageCommand({ QueueUrl, MessageBody })),
    async receive() {
      const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
      return Messages?.[0]?.Body;
    },
    async close() {
      client.destroy();
      await server.close();
      queues.close();
      await journal.close();
    },
  };
}
