import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  TagQueueCommand,
  UntagQueueCommand,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startQueueServer } from "../../../packages/local-cloud/queue/server.ts";
import type { Listening } from "../../../packages/local-cloud/support/listen.ts";
import { makeQueues, spec } from "./support.ts";

// The client checks the MD5 of whatever it sends and receives.
let client: SQSClient;
let server: Listening;
const { queues } = makeQueues([spec("dead")]);

beforeAll(async () => {
  server = await startQueueServer({ queues, port: 0, report: () => undefined });
  client = new SQSClient({
    endpoint: server.url,
    region: "ru-central1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
});
afterAll(async () => {
  client.destroy();
  await server.close();
});

async function makeQueue(QueueName: string, Attributes: Record<string, string> = {}) {
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName, Attributes }));
  return { QueueUrl };
}

test("a message with attributes there and back", async () => {
  const queue = await makeQueue("sdk");
  const MessageAttributes = {
    text: { DataType: "String", StringValue: "\u{1F600}" },
    number: { DataType: "Number.float", StringValue: "2.5" },
    bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
  };
  const body = { ...queue, MessageBody: "hello", MessageAttributes };
  const sent = await client.send(new SendMessageCommand(body));
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({ ...queue, MessageSystemAttributeNames: ["All"] }),
  );
  expect(Messages).toMatchObject([
    { MessageId: sent.MessageId, Body: "hello", Attributes: { ApproximateReceiveCount: "1" } },
  ]);
  expect(Messages[0]?.MD5OfMessageAttributes).toBe(sent.MD5OfMessageAttributes);
  expect(Object.keys(Messages[0]?.MessageAttributes ?? {}).sort()).toEqual(
    Object.keys(MessageAttributes).sort(),
  );
  const { ReceiptHandle } = Messages[0] ?? {};
  await client.send(new DeleteMessageCommand({ ...queue, ReceiptHandle }));
  expect(queues.peek("sdk")).toEqual([]);
});

test("batches of ten", async () => {
  const queue = await makeQueue("batches");
  const Entries = Array.from({ length: 10 }, (_, index) => ({
    Id: String(index),
    MessageBody: `body ${index}`,
  }));
  const sent = await client.send(new SendMessageBatchCommand({ ...queue, Entries }));
  expect(sent.Successful).toHaveLength(10);
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({ ...queue, MaxNumberOfMessages: 10 }),
  );
  const handles = Messages.map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle }));
  await client.send(
    new ChangeMessageVisibilityBatchCommand({
      ...queue,
      Entries: handles.slice(0, 5).map((entry) => ({ ...entry, VisibilityTimeout: 0 })),
    }),
  );
  expect(queues.counts("batches")).toEqual({ waiting: 5, inFlight: 5, delayed: 0 });
  await client.send(new DeleteMessageBatchCommand({ ...queue, Entries: handles }));
  expect(queues.peek("batches")).toEqual([]);
});

test("a queue's life", async () => {
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: queues.arnOf("dead"),
    maxReceiveCount: 2,
  });
  const queue = await makeQueue("life", { RedrivePolicy, DelaySeconds: "1" });
  await client.send(new SetQueueAttributesCommand({ ...queue, Attributes: { DelaySeconds: "0" } }));
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ ...queue, AttributeNames: ["All"] }),
  );
  expect(Attributes).toMatchObject({ RedrivePolicy, DelaySeconds: "0", VisibilityTimeout: "30" });
  expect(await client.send(new GetQueueUrlCommand({ QueueName: "life" }))).toMatchObject(queue);
  const listed = await client.send(new ListQueuesCommand({ QueueNamePrefix: "li" }));
  expect(listed.QueueUrls).toEqual([queue.QueueUrl]);
  const dead = { QueueUrl: queues.urlOf("dead", server.url) };
  const sources = await client.send(new ListDeadLetterSourceQueuesCommand(dead));
  expect(sources.queueUrls).toEqual([queue.QueueUrl]);
  await client.send(new TagQueueCommand({ ...queue, Tags: { a: "1", b: "2" } }));
  await client.send(new UntagQueueCommand({ ...queue, TagKeys: ["a"] }));
  expect((await client.send(new ListQueueTagsCommand(queue))).Tags).toEqual({ b: "2" });
  await client.send(new SendMessageCommand({ ...queue, MessageBody: "x" }));
  await client.send(new PurgeQueueCommand(queue));
  expect(queues.peek("life")).toEqual([]);
  await client.send(new DeleteQueueCommand(queue));
  await expect(client.send(new GetQueueUrlCommand({ QueueName: "life" }))).rejects.toMatchObject({
    name: "QueueDoesNotExist",
  });
});

test("a message of the largest size", async () => {
  const queue = await makeQueue("large");
  const MessageBody = "\u20AC".repeat(87_381);
  await client.send(new SendMessageCommand({ ...queue, MessageBody }));
  const { Messages } = await client.send(new ReceiveMessageCommand(queue));
  expect(Messages?.[0]?.Body).toBe(MessageBody);
});
