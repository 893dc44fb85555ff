import { describe, expect, test } from "vitest";
import { makeQueues, spec } from "./support.ts";

const BY = { by: "client" } as const;
const now = { max: 10, waitSeconds: 0, ...BY };
const later = { max: 10, waitSeconds: 20, ...BY };

describe("long polling", () => {
  test("a message that comes is received at once, a whole batch of them together", async () => {
    const { queues } = makeQueues([spec("tasks")]);
    const received = queues.receive("tasks", later);
    queues.send("tasks", { body: "one" });
    queues.send("tasks", { body: "two" });
    expect((await received).map(({ body }) => body)).toEqual(["one", "two"]);
  });

  test("a delayed message is received when its time has come", async () => {
    const { queues, clock } = makeQueues([spec("tasks")]);
    const received = queues.receive("tasks", later);
    queues.send("tasks", { body: "later", delaySeconds: 10 });
    clock.advance(10_000);
    expect((await received).map(({ body }) => body)).toEqual(["later"]);
  });

  test("a message whose receiver has failed is received when it shows up again", async () => {
    const { queues, clock } = makeQueues([spec("tasks", { visibilityTimeoutSeconds: 5 })]);
    queues.send("tasks", { body: "again" });
    await queues.receive("tasks", now);
    const received = queues.receive("tasks", later);
    clock.advance(5_000);
    expect((await received)[0]?.receiveCount).toBe(2);
  });

  test("a message that is given back is received by the next who waits", async () => {
    const { queues } = makeQueues([spec("tasks")]);
    queues.send("tasks", { body: "back" });
    const [first] = await queues.receive("tasks", now);
    const received = queues.receive("tasks", later);
    queues.changeVisibility("tasks", first?.receiptHandle ?? "", 0);
    expect((await received)[0]?.body).toBe("back");
  });

  test("nothing is received when the time is over, or the client has gone", async () => {
    const { queues, clock } = makeQueues([spec("tasks")]);
    const waiting = queues.receive("tasks", later);
    clock.advance(20_000);
    expect(await waiting).toEqual([]);
    const gone = new AbortController();
    const abandoned = queues.receive("tasks", later, gone.signal);
    gone.abort();
    expect(await abandoned).toEqual([]);
    queues.send("tasks", { body: "for somebody else" });
    expect(queues.counts("tasks")).toEqual({ waiting: 1, inFlight: 0, delayed: 0 });
  });

  test("who came first is served first", async () => {
    const { queues } = makeQueues([spec("tasks")]);
    const answers: string[] = [];
    const wait = async (name: string) => {
      const [message] = await queues.receive("tasks", { ...later, max: 1 });
      answers.push(`${name} ${message?.body}`);
    };
    const both = [wait("first"), wait("second")];
    queues.send("tasks", { body: "1" });
    queues.send("tasks", { body: "2" });
    await Promise.all(both);
    expect(answers).toEqual(["first 1", "second 2"]);
  });
});

test("a message that is too old is gone within a minute, read or not", () => {
  const { queues, clock, events } = makeQueues([spec("tasks", { retentionSeconds: 60 })]);
  const { messageId } = queues.send("tasks", { body: "old" });
  clock.advance(60_000);
  expect(queues.peek("tasks")).toEqual([]);
  expect(events.at(-1)).toEqual({ type: "expired", queue: "tasks", messageId });
});

test("what happens to a message is told, with its task", async () => {
  const { queues, clock, events } = makeQueues([
    spec("tasks", { redrive: { deadLetterQueue: "tasks-dead", maxReceiveCount: 1 } }),
    spec("tasks-dead"),
  ]);
  const body = JSON.stringify({
    headers: { task: "shop.add", id: "t1", retries: 0 },
    properties: { body_encoding: "base64" },
    body: Buffer.from("[[1, 2], {}, {}]").toString("base64"),
  });
  queues.send("tasks", { body: Buffer.from(body).toString("base64"), delaySeconds: 1 });
  clock.advance(1_000);
  await queues.receive("tasks", { ...now, by: "trigger" });
  clock.advance(30_000);
  await queues.receive("tasks", now);
  const told = events;
  expect(told.map(({ type }) => type)).toEqual(["published", "received", "dead"]);
  expect(told[0]).toMatchObject({ delaySeconds: 1, task: { name: "shop.add", args: [1, 2] } });
  expect(told[1]).toMatchObject({ by: "trigger", receiveCount: 1 });
  expect(told[2]).toMatchObject({ deadLetterQueue: "tasks-dead", receiveCount: 1 });
});

test("reading a queue changes nothing", async () => {
  const { queues, clock } = makeQueues([spec("tasks")]);
  queues.send("tasks", { body: "waiting" });
  queues.send("tasks", { body: "delayed", delaySeconds: 5 });
  const [received] = await queues.receive("tasks", { ...now, max: 1 });
  const before = queues.peek("tasks");
  expect(queues.peek("tasks")).toEqual(before);
  expect(before).toMatchObject([
    { body: "waiting", state: "in flight", receiveCount: 1, visibleAt: clock.now() + 30_000 },
    { body: "delayed", state: "delayed", receiveCount: 0, visibleAt: clock.now() + 5_000 },
  ]);
  expect(received?.receiveCount).toBe(1);
});

test("a dead letter is as it was sent, and knows where it came from", async () => {
  const dead = { deadLetterQueue: "dead", maxReceiveCount: 1 };
  const { queues, clock } = makeQueues([spec("one", { redrive: dead }), spec("dead")]);
  const body = '\u{1F600} bytes \\ " stay';
  const { messageId } = queues.send("one", { body });
  const sentAt = clock.now();
  await queues.receive("one", now);
  clock.advance(30_000);
  await queues.receive("one", now);
  expect(queues.peek("dead")).toMatchObject([
    { messageId, body, sentAt, receiveCount: 0, state: "waiting", from: "one" },
  ]);
});

test("100,000 messages are no problem", async () => {
  const { queues } = makeQueues([spec("tasks")]);
  for (let index = 0; index < 100_000; index++) queues.send("tasks", { body: String(index) });
  let received = 0;
  for (;;) {
    const messages = await queues.receive("tasks", now);
    if (messages.length === 0) break;
    received += messages.length;
    for (const { receiptHandle } of messages) queues.delete("tasks", receiptHandle);
  }
  expect(received).toBe(100_000);
  expect(queues.counts("tasks")).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
});
