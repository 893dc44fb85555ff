import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { inBatches, QueueClient, type Received } from "../../../scripts/lib/queue/client.ts";
import { fakeSystem } from "../_system.ts";
import { bury, closeWorlds, type Fault, newWorld, type World } from "./_world.ts";

const NASTY = [
  "a < b && c > \"d\" 'e'",
  "<![CDATA[x]]> ]]> &lt;b&gt; &#13; &amp;amp;",
  "line\nfeed\tand\rreturn\r\n",
  "🐶 Привет \u00a0 \ufffd a+b=100% & c",
  '{"json": "\\u0000"}',
  " spaces around ",
];
const ATTRIBUTES = {
  plain: { dataType: "String", stringValue: '<v> & "q" \r\n &#13; 🐶' },
  "number.1": { dataType: "Number.float", stringValue: "1e3" },
  bytes: { dataType: "Binary", binaryValue: Buffer.from([0, 255, 13, 10, 60]).toString("base64") },
};

let world: World;
let client: QueueClient;
let dead: string;
let tasks: string;

beforeEach(async () => {
  world = await newWorld();
  client = world.reader.client;
  dead = world.stage[0]?.deadLetterUrl ?? "";
  tasks = world.stage[0]?.url ?? "";
});
afterAll(closeWorlds);

const failing = (by: Fault, times = Number.POSITIVE_INFINITY) => {
  world.fault = (_, number) => (number < times ? by : undefined);
};

test("what was received and sent again is the same, byte by byte", async () => {
  bury(world, "default", NASTY, ATTRIBUTES);

  const received = await client.receive(dead, 60);
  await client.send(tasks, received);

  expect(received.map(({ body }) => body)).toEqual(NASTY);
  const shape = (queue: string) =>
    world.queues.peek(queue).map(({ body, attributes }) => ({ body, attributes }));
  expect(shape("default")).toEqual(NASTY.map((body) => ({ body, attributes: ATTRIBUTES })));
  expect(shape("default")).toEqual(shape("default-dead"));
});

test("counts, deletes, gives back and purges", async () => {
  bury(world, "default", ["a", "b", "c"]);
  const [first, second] = (await client.receive(dead, 60)) as [Received, Received];
  const held = await client.count(dead);

  await client.delete(dead, [first]);
  await client.delete(dead, [first]);
  await client.giveBack(dead, [first, second]);

  expect(held).toEqual({ waiting: 0, inFlight: 3, delayed: 0, visibilitySeconds: 30 });
  expect(await client.count(dead)).toMatchObject({ waiting: 1, inFlight: 1 });
  const [again] = (await client.receive(dead, 60)) as [Received];
  expect(again).toMatchObject({ id: second.id, receiveCount: 2, sentAt: second.sentAt });
  expect(again.handle).not.toBe(second.handle);
  await client.purge(dead);
  expect(world.bodies("default-dead")).toEqual([]);
});

describe("a request that fails", () => {
  test.each<Fault>(["throttled", "lost", "unanswered", "failed"])(
    "by being %s is tried again where twice is no harm",
    async (by) => {
      bury(world, "default", ["a"]);
      failing(by, 3);
      expect(await client.count(dead)).toMatchObject({ waiting: 1 });
      expect(world.asked).toHaveLength(4);
    },
  );

  test.each<[Fault, string]>([
    ["throttled", "Message Queue, GetQueueAttributes: ThrottlingException: as asked (403)."],
    ["failed", "Message Queue, GetQueueAttributes: InternalFailure: as asked (500)."],
    ["lost", "cannot be reached. Check the network."],
  ])("by being %s is told after five times", async (by, message) => {
    failing(by);
    await expect(client.count(dead)).rejects.toThrow(message);
    expect(world.asked).toHaveLength(5);
  });

  test("is not tried again once the run is to stop", async () => {
    failing("lost");
    world.stop.abort();
    await expect(client.count(dead)).rejects.toThrow("cannot be reached");
    expect(world.asked).toHaveLength(1);
  });

  test("when something is sent is tried again only if it was turned away", async () => {
    failing("throttled", 2);
    expect(await client.send(tasks, [{ body: "a", attributes: {} }])).toEqual(new Map());
    expect(world.bodies("default")).toEqual(["a"]);

    for (const by of ["lost", "unanswered", "failed"] as const) {
      failing(by);
      const before = world.asked.length;
      const sent = client.send(tasks, [{ body: by, attributes: {} }]);
      await expect(sent).rejects.toMatchObject({ refused: false });
      expect(world.asked).toHaveLength(before + 1);
    }
    expect(world.bodies("default")).toEqual(["a", "failed", "unanswered"]);
  });
});

test("names what was refused by its place, and sends the rest", async () => {
  const refused = await client.send(tasks, [
    { body: "a", attributes: {} },
    { body: "b", attributes: { "aws.x": { dataType: "String", stringValue: "1" } } },
    { body: "c", attributes: {} },
  ]);

  expect([...refused]).toEqual([
    [1, 'InvalidParameterValue: Message attribute "aws.x": invalid name.'],
  ]);
  expect(world.bodies("default")).toEqual(["a", "c"]);
});

describe("an answer", () => {
  const answering = (body: string, status = 200) =>
    new QueueClient(fakeSystem({ routes: { "POST https://mq/q": { status, body } } }), {
      accessKeyId: "k",
      secretAccessKey: "s",
    });
  const wrap = (action: string, inner: string) =>
    `<${action}Response><${action}Result>${inner}</${action}Result></${action}Response>`;
  const SENT =
    "<SendMessageBatchResultEntry><Id>0</Id><MD5OfMessageBody>x</MD5OfMessageBody></SendMessageBatchResultEntry>";

  test("without a number is no count", async () => {
    await expect(answering(wrap("GetQueueAttributes", "")).count("https://mq/q")).rejects.toThrow(
      "Message Queue did not say how many messages there are.",
    );
  });

  test.each(["", SENT])(
    "that does not have what was sent (%s) leaves open what was sent",
    async (inner) => {
      const sent = answering(wrap("SendMessageBatch", inner)).send("https://mq/q", [
        { body: "a", attributes: {} },
      ]);
      await expect(sent).rejects.toMatchObject({
        refused: false,
        message: "Message Queue does not say that it has what was sent.",
      });
    },
  );

  test.each([
    ["<MessageId>m</MessageId><Body>a</Body><MD5OfBody>x</MD5OfBody>"],
    [
      "<MessageId>m</MessageId><Body>a</Body><MD5OfBody>0cc175b9c0f1b6a831c399e269772661</MD5OfBody><MD5OfMessageAttributes>x</MD5OfMessageAttributes>",
    ],
  ])("with a damaged message is refused: %s", async (inner) => {
    const received = answering(wrap("ReceiveMessage", `<Message>${inner}</Message>`)).receive(
      "https://mq/q",
      1,
    );
    await expect(received).rejects.toThrow(
      "Message m came with a checksum that is not its own. Nothing was done.",
    );
  });

  test("that fails to delete says why", async () => {
    const failed =
      "<BatchResultErrorEntry><Id>0</Id><Code>InternalFailure</Code><Message>no</Message></BatchResultErrorEntry>";
    const [message] = [
      { id: "m", handle: "h", body: "a", attributes: {}, sentAt: 0, receiveCount: 1 },
    ];
    await expect(
      answering(wrap("DeleteMessageBatch", failed)).delete("https://mq/q", [message]),
    ).rejects.toThrow("InternalFailure: no");
  });

  test.each([
    [
      "<ErrorResponse><Error><Code>AccessDeniedException</Code><Message>denied</Message></Error></ErrorResponse>",
      "Message Queue, PurgeQueue: AccessDeniedException: denied (403). The key's account needs ymq.admin on the folder.",
    ],
    [
      "<ErrorResponse><Error><Code>PurgeQueueInProgress</Code></Error></ErrorResponse>",
      "Message Queue, PurgeQueue: PurgeQueueInProgress (403). Run it again in a minute.",
    ],
    ["<html>Forbidden", "Message Queue, PurgeQueue: <html>Forbidden (403)."],
    ["", "Message Queue, PurgeQueue: no explanation (403)."],
  ])("of refusal %j is told", async (body, message) => {
    await expect(answering(body, 403).purge("https://mq/q")).rejects.toThrow(message);
  });
});

test.each([
  [Array.from({ length: 23 }, () => 10), [10, 10, 3]],
  [
    [200_000, 100_000, 100_000, 62_144, 1],
    [1, 3, 1],
  ],
  [
    [262_144, 262_144],
    [1, 1],
  ],
  [[], []],
])("messages of %j bytes go in batches of %j", (sizes, counts) => {
  const messages = sizes.map((size) => ({ body: "x".repeat(size), attributes: {} }));
  expect(inBatches(messages).map((batch) => batch.length)).toEqual(counts);
});
