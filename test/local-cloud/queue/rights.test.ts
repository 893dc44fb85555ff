import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startQueueServer } from "../../../packages/local-cloud/queue/server.ts";
import type { Listening } from "../../../packages/local-cloud/support/listen.ts";
import { type Bench, makeQueues, spec } from "./support.ts";

let bench: Bench;
let server: Listening;
let QueueUrl: string;
beforeEach(async () => {
  bench = makeQueues([spec("shop-tasks")]);
  const { queues, events } = bench;
  const report = (event: (typeof events)[number]) => events.push(event);
  server = await startQueueServer({ queues, port: 0, report, stackOnly: true });
  QueueUrl = queues.urlOf("shop-tasks", server.url);
});
afterEach(() => server.close());

function clientOf(accessKeyId: string): SQSClient {
  const credentials = { accessKeyId, secretAccessKey: accessKeyId };
  return new SQSClient({
    ...{ endpoint: server.url, region: "ru-central1", maxAttempts: 1, credentials },
  });
}

const container = () => clientOf("local-runtime");
const laptop = () => clientOf("local");
const denied = { name: "AccessDeniedException" };

describe("a container", () => {
  test("sends, and sees what queues there are", async () => {
    const client = container();
    const Entries = [{ Id: "1", MessageBody: "two" }];
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "one" }));
    await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
    await client.send(new GetQueueUrlCommand({ QueueName: "shop-tasks" }));
    await client.send(new ListQueuesCommand({}));
    expect(bench.queues.counts("shop-tasks").waiting).toBe(2);
  });

  test("takes no messages and changes no queue, as its role says", async () => {
    const client = container();
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "stays" }));
    const handle = { QueueUrl, ReceiptHandle: "1-1-1" };
    const asked = [
      () => client.send(new ReceiveMessageCommand({ QueueUrl })),
      () => client.send(new DeleteMessageCommand(handle)),
      () => client.send(new ChangeMessageVisibilityCommand({ ...handle, VisibilityTimeout: 0 })),
      () => client.send(new PurgeQueueCommand({ QueueUrl })),
      () => client.send(new DeleteQueueCommand({ QueueUrl })),
      () => client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: {} })),
    ];
    for (const ask of asked) await expect(ask()).rejects.toMatchObject(denied);
    await expect(client.send(new ReceiveMessageCommand({ QueueUrl }))).rejects.toThrow(
      "ReceiveMessage on shop-tasks by a container: its role is ymq.writer, which does not allow it.",
    );
    expect(bench.queues.peek("shop-tasks")).toMatchObject([{ body: "stays", receiveCount: 0 }]);
    expect(bench.events.filter(({ type }) => type === "refused")).toHaveLength(7);
  });
});

describe("a client beside the containers", () => {
  test("reads a queue as a worker does", async () => {
    const client = laptop();
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "one" }));
    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
    await client.send(
      new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages?.[0]?.ReceiptHandle }),
    );
    expect(bench.queues.counts("shop-tasks")).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
  });
});

test.each([
  ["a container", container],
  ["a client beside it", laptop],
])("%s gets no queue that the stack lacks, and hears what to do", async (_, make) => {
  const client = make();
  const Attributes = { VisibilityTimeout: "1800" };
  await expect(
    client.send(new CreateQueueCommand({ QueueName: "celery", Attributes })),
  ).rejects.toMatchObject({
    ...denied,
    message: expect.stringMatching(/^There is no queue "celery" in the stack.*shop-tasks.*Send to/),
  });
  await expect(
    client.send(new SendMessageCommand({ QueueUrl: `${QueueUrl}-x`, MessageBody: "lost" })),
  ).rejects.toMatchObject({
    name: "QueueDoesNotExist",
    message: expect.stringContaining("There are shop-tasks"),
  });
  const made = await client.send(new CreateQueueCommand({ QueueName: "shop-tasks" }));
  expect(made.QueueUrl).toBe(QueueUrl);
  expect(bench.queues.names).toEqual(["shop-tasks"]);
});
