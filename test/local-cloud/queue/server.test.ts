import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startQueueServer } from "../../../packages/local-cloud/queue/server.ts";
import type { Listening } from "../../../packages/local-cloud/support/listen.ts";
import { type Bench, makeQueues, spec } from "./support.ts";

let bench: Bench;
let server: Listening;

beforeEach(async () => {
  bench = makeQueues([spec("tasks"), spec("small", { maxMessageBytes: 1024 })]);
  const { queues, events } = bench;
  server = await startQueueServer({ queues, port: 0, report: (event) => events.push(event) });
});
afterEach(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function post(body: string, headers: Record<string, string> = {}, path = "/"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = server;
    const sent = request({ port, host: "127.0.0.1", path, method: "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    sent.on("error", reject).end(body);
  });
}

function json(action: string, input: object | string): Promise<Answer> {
  const body = typeof input === "string" ? input : JSON.stringify(input);
  return post(body, { "X-Amz-Target": `AmazonSQS.${action}` });
}

function query(fields: Record<string, string>, path = "/cloud/id/tasks"): Promise<Answer> {
  return post(new URLSearchParams(fields).toString(), {}, path);
}

const QueueUrl = "http://localhost/cloud/id/tasks";
const TOO_MANY = Array.from({ length: 11 }, (_, Id) => ({ Id: `${Id}`, MessageBody: "x" }));
const attribute = (name: string, value: object) => ({
  QueueUrl,
  MessageBody: "x",
  MessageAttributes: { [name]: value },
});
const text = { DataType: "String", StringValue: "1" };
const create = (QueueName: string, Attributes: object = {}) => ({ QueueName, Attributes });
const deadLetters = (deadLetterTargetArn: unknown, maxReceiveCount: unknown = 3) =>
  create("q", { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount }) });
const arn = (name: string) => `yrn:yc:ymq:ru-central1:folder:${name}`;

describe("what the cloud rejects is rejected with its code", () => {
  test.each([
    [
      "SendMessage",
      { QueueUrl: "http://x/a/b/nope", MessageBody: "x" },
      "AWS.SimpleQueueService.NonExistentQueue",
    ],
    ["SendMessage", { MessageBody: "x" }, "MissingParameter"],
    ["SendMessage", { QueueUrl }, "MissingParameter"],
    ["SendMessage", { QueueUrl, MessageBody: "x", Color: "red" }, "InvalidArgumentException"],
    ["SendMessage", { QueueUrl, MessageBody: 1 }, "InvalidArgumentException"],
    ["SendMessage", "[]", "InvalidArgumentException"],
    ["SendMessage", "{", "InvalidArgumentException"],
    ["SendMessage", { QueueUrl, MessageBody: "x", DelaySeconds: 901 }, "InvalidParameterValue"],
    ["SendMessage", { QueueUrl, MessageBody: "x", DelaySeconds: -1 }, "InvalidParameterValue"],
    ["SendMessage", { QueueUrl, MessageBody: "x".repeat(262_145) }, "InvalidParameterValue"],
    ["SendMessage", { QueueUrl, MessageBody: "a\u0000b" }, "InvalidParameterValue"],
    ["SendMessage", { QueueUrl, MessageBody: "\uD800" }, "InvalidParameterValue"],
    ["SendMessage", attribute("AWS.x", text), "InvalidParameterValue"],
    ["SendMessage", attribute("yandex.x", text), "InvalidParameterValue"],
    ["SendMessage", attribute("a..b", text), "InvalidParameterValue"],
    [
      "SendMessage",
      attribute("a", { DataType: "Text", StringValue: "1" }),
      "InvalidParameterValue",
    ],
    ["SendMessage", attribute("a", { DataType: "String" }), "InvalidParameterCombination"],
    ["SendMessage", attribute("a", { StringValue: "1" }), "InvalidParameterCombination"],
    [
      "SendMessage",
      attribute("a", { ...text, BinaryValue: "eA==" }),
      "InvalidParameterCombination",
    ],
    ["SendMessageBatch", { QueueUrl, Entries: [] }, "AWS.SimpleQueueService.EmptyBatchRequest"],
    [
      "SendMessageBatch",
      { QueueUrl, Entries: TOO_MANY },
      "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    ],
    [
      "SendMessageBatch",
      { QueueUrl, Entries: [TOO_MANY[0], TOO_MANY[0]] },
      "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    ],
    ["SendMessageBatch", { QueueUrl, Entries: [{ MessageBody: "x" }] }, "MissingParameter"],
    [
      "SendMessageBatch",
      {
        QueueUrl,
        Entries: TOO_MANY.slice(0, 2).map(({ Id }) => ({ Id, MessageBody: "x".repeat(140_000) })),
      },
      "AWS.SimpleQueueService.BatchRequestTooLong",
    ],
    ["ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 11 }, "InvalidParameterValue"],
    ["ReceiveMessage", { QueueUrl, WaitTimeSeconds: 21 }, "InvalidParameterValue"],
    ["ReceiveMessage", { QueueUrl, VisibilityTimeout: 43_201 }, "InvalidParameterValue"],
    ["DeleteMessage", { QueueUrl, ReceiptHandle: "of another make" }, "ReceiptHandleIsInvalid"],
    [
      "ChangeMessageVisibility",
      { QueueUrl, ReceiptHandle: "1-1-1", VisibilityTimeout: 1 },
      "InvalidParameterValue",
    ],
    ["ChangeMessageVisibility", { QueueUrl, ReceiptHandle: "1-1-1" }, "MissingParameter"],
    ["GetQueueUrl", { QueueName: "nope" }, "AWS.SimpleQueueService.NonExistentQueue"],
    ["GetQueueAttributes", { QueueUrl, AttributeNames: ["Policy"] }, "InvalidAttributeName"],
    ["SetQueueAttributes", { QueueUrl, Attributes: { Policy: "{}" } }, "InvalidAttributeName"],
    [
      "SetQueueAttributes",
      { QueueUrl, Attributes: { DelaySeconds: "901" } },
      "InvalidAttributeValue",
    ],
    [
      "SetQueueAttributes",
      {
        QueueUrl,
        Attributes: {
          RedrivePolicy: `{"deadLetterTargetArn":"${arn("nope")}","maxReceiveCount":1}`,
        },
      },
      "AWS.SimpleQueueService.NonExistentQueue",
    ],
    ["CreateQueue", create("B@d"), "InvalidParameterValue"],
    ["CreateQueue", create("q.fifo"), "AWS.SimpleQueueService.UnsupportedOperation"],
    [
      "CreateQueue",
      create("q.fifo", { FifoQueue: "true" }),
      "AWS.SimpleQueueService.UnsupportedOperation",
    ],
    [
      "CreateQueue",
      create("q", { FifoQueue: "true" }),
      "AWS.SimpleQueueService.UnsupportedOperation",
    ],
    ["CreateQueue", create("q", { FifoQueue: "false" }), "ValidationError"],
    ["SetQueueAttributes", { QueueUrl, Attributes: { FifoQueue: "true" } }, "InvalidAttributeName"],
    ["CreateQueue", create("q", { KmsMasterKeyId: "k" }), "ValidationError"],
    ["CreateQueue", create("q", { VisibilityTimeout: "43201" }), "ValidationError"],
    ["CreateQueue", create("tasks", { DelaySeconds: "1" }), "ValidationError"],
    ["CreateQueue", { QueueName: "tasks", tags: { a: "b" } }, "ValidationError"],
    ["CreateQueue", { QueueName: "q", tags: { A: "b" } }, "InvalidParameterValue"],
    ["CreateQueue", deadLetters(arn("nope")), "ValidationError"],
    ["CreateQueue", deadLetters(arn("order.fifo")), "ValidationError"],
    ["CreateQueue", deadLetters(arn("q")), "ValidationError"],
    ["CreateQueue", deadLetters("arn:aws:sqs:us-east-1:1:tasks"), "ValidationError"],
    ["CreateQueue", deadLetters(arn("tasks"), 1001), "ValidationError"],
    ["CreateQueue", {}, "MissingParameter"],
    ["AddPermission", { QueueUrl }, "MissingAction"],
  ])("%s %j: %s", async (action, input, code) => {
    const { status, headers, body } = await json(action, input);
    expect(JSON.parse(body)).toMatchObject({ __type: code });
    expect(status).toBe(400);
    expect(headers["x-amzn-query-error"]).toBe(`${code};Sender`);
    expect(bench.events.at(-1)).toMatchObject({ type: "refused", by: "queue", code });
  });

  test("a FIFO queue is not emulated", async () => {
    const { body } = await json("CreateQueue", create("q.fifo", { FifoQueue: "true" }));
    expect(JSON.parse(body).message).toMatch(/^FIFO queues are not emulated: q\.fifo /);
  });

  test("an error says what to change, where the project can change it", async () => {
    const input = { QueueUrl: "http://x/a/b/small", MessageBody: "x".repeat(2000) };
    const { body } = await json("SendMessage", input);
    expect(JSON.parse(body).message).toBe(
      "Message must be shorter than 1024 bytes, and has 2000. Raise maxMessageBytes of small where the stack defines the queue (up to 262144).",
    );
  });

  test("the name of a deleted queue is reserved for a minute", async () => {
    await json("DeleteQueue", { QueueUrl });
    const again = () => json("CreateQueue", { QueueName: "tasks" });
    expect((await again()).body).toContain("AWS.SimpleQueueService.QueueDeletedRecently");
    bench.clock.advance(60_000);
    expect((await again()).status).toBe(200);
  });

  test("the Query protocol gets the same in XML", async () => {
    const { status, body } = await query({ Action: "SendMessage" });
    expect(status).toBe(400);
    expect(body).toMatch(/<Error><Type>Sender<\/Type><Code>MissingParameter<\/Code><Message>/);
    expect((await query({})).body).toContain("<Code>MissingAction</Code>");
  });
});

describe("the Query protocol", () => {
  test("a message with attributes goes in and comes out, whatever its characters", async () => {
    const MessageBody = `<&>"' \u{1F600}\r\n%2B+`;
    const sent = await query({
      Action: "SendMessage",
      MessageBody,
      "MessageAttribute.1.Name": "text",
      "MessageAttribute.1.Value.DataType": "String",
      "MessageAttribute.1.Value.StringValue": "a<b",
      "MessageAttribute.2.Name": "bytes",
      "MessageAttribute.2.Value.DataType": "Binary",
      "MessageAttribute.2.Value.BinaryValue": "AAEC",
    });
    expect(sent.body).toMatch(/^<\?xml.*\n<SendMessageResponse xmlns=".*"><SendMessageResult>/);
    const [message] = await bench.queues.receive("tasks", { max: 1, waitSeconds: 0, by: "client" });
    expect(message).toMatchObject({
      body: MessageBody,
      attributes: { text: { stringValue: "a<b" }, bytes: { binaryValue: "AAEC" } },
    });
    bench.clock.advance(30_000);
    const { body } = await query({ Action: "ReceiveMessage" });
    expect(body).toContain("&lt;&amp;&gt;&quot;' \u{1F600}&#xD;\n%2B+");
    expect(body).toContain("<Name>text</Name><Value><DataType>String</DataType>");
    expect(body).toContain("<Name>ApproximateReceiveCount</Name><Value>2</Value>");
  });

  test("batches, lists and maps", async () => {
    const entry = "SendMessageBatchRequestEntry";
    const { body } = await query({
      Action: "SendMessageBatch",
      [`${entry}.2.Id`]: "second",
      [`${entry}.2.MessageBody`]: "2",
      [`${entry}.1.Id`]: "first",
      [`${entry}.1.MessageBody`]: "1",
      [`${entry}.10.Id`]: "refused",
      [`${entry}.10.MessageBody`]: "3",
      [`${entry}.10.DelaySeconds`]: "1000",
    });
    expect(body.match(/<Id>\w+<\/Id>/g)).toEqual(
      ["first", "second", "refused"].map((id) => `<Id>${id}</Id>`),
    );
    expect(body).toContain("<BatchResultErrorEntry><Id>refused</Id><Code>InvalidParameterValue");
    expect(bench.queues.peek("tasks").map((message) => message.body)).toEqual(["1", "2"]);
    const tags = { "Tag.1.Key": "a", "Tag.1.Value": "1", "Tag.2.Key": "b", "Tag.2.Value": "2" };
    await query({ Action: "TagQueue", ...tags });
    await query({ Action: "UntagQueue", "TagKey.1": "a" });
    expect((await query({ Action: "ListQueueTags" })).body).toContain(
      "<ListQueueTagsResult><Tag><Key>b</Key><Value>2</Value></Tag></ListQueueTagsResult>",
    );
    await query({
      Action: "SetQueueAttributes",
      "Attribute.1.Name": "DelaySeconds",
      "Attribute.1.Value": "5",
    });
    const names = { "AttributeName.1": "DelaySeconds", "AttributeName.2": "QueueArn" };
    expect((await query({ Action: "GetQueueAttributes", ...names })).body).toContain(
      "<Attribute><Name>DelaySeconds</Name><Value>5</Value></Attribute><Attribute><Name>QueueArn</Name><Value>yrn:yc:ymq:ru-central1:b1glocalfolder000000:tasks</Value></Attribute>",
    );
  });

  test("a queue's URL begins with the address that the client uses", async () => {
    const { body } = await post("Action=GetQueueUrl&QueueName=tasks", {
      Host: "queue.localhost:1234",
    });
    expect(body).toMatch(/<QueueUrl>http:\/\/queue\.localhost:1234\/b1g\w+\/dj6\w+\/tasks</);
  });
});

test("names of this machine that Docker gives it are answered where there are some", async () => {
  const call = (port: number) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { Host: `host.docker.internal:${port}` };
      request({ port, host: "127.0.0.1", method: "POST", headers }, ({ statusCode }) =>
        resolve(statusCode),
      )
        .on("error", reject)
        .end("Action=ListQueues");
    });
  const hosts = ["host.docker.internal"];
  const open = await startQueueServer({ queues: bench.queues, port: 0, hosts, report: () => {} });

  expect(await call(server.port)).toBe(403);
  expect(await call(open.port)).toBe(200);
  await open.close();
});

test("a client that has gone takes no message with it", async () => {
  const { port } = server;
  const body = JSON.stringify({ QueueUrl, WaitTimeSeconds: 20 });
  const headers = { "X-Amz-Target": "AmazonSQS.ReceiveMessage" };
  const sent = request({ port, host: "127.0.0.1", method: "POST", headers });
  sent.on("error", () => undefined).end(body);
  // Another request that is answered proves that the one before has come in.
  await new Promise((resolve) => sent.once("finish", resolve));
  await json("ListQueues", {});
  sent.destroy();
  await json("ListQueues", {});
  await json("SendMessage", { QueueUrl, MessageBody: "x" });
  expect(bench.queues.counts("tasks")).toEqual({ waiting: 1, inFlight: 0, delayed: 0 });
});

test("pages of other sites are rejected, and no message is sent", async () => {
  const form = "Action=SendMessage&MessageBody=evil";
  for (const headers of [
    { Host: "evil.example" },
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { "Sec-Fetch-Site": "cross-site" },
  ] as Record<string, string>[]) {
    expect((await post(form, headers, "/cloud/id/tasks")).status).toBe(403);
  }
  expect(bench.queues.peek("tasks")).toEqual([]);
});

test("a request that is too large is rejected", async () => {
  expect((await json("SendMessage", "x".repeat(8 * 1024 * 1024 + 1))).status).toBe(413);
});
