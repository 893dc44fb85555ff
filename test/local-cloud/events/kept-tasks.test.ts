import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keepTasks } from "../../../packages/local-cloud/events/kept-tasks.ts";
import { EventStore } from "../../../packages/local-cloud/events/store.ts";
import { openQueueJournal } from "../../../packages/local-cloud/queue/journal.ts";
import { reportKept } from "../../../packages/local-cloud/queue/kept-messages.ts";
import { Queues } from "../../../packages/local-cloud/queue/queues.ts";
import { celeryMessage } from "../_messages.ts";
import { spec, TestClock } from "../queue/support.ts";

let directory: string;
let clock: TestClock;
let closes: (() => Promise<void> | void)[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kept-tasks-"));
  clock = new TestClock();
  closes = [];
});

afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true });
});

/** A local cloud's queues and what it knows of their tasks, as a start assembles them. */
async function start(folder = directory) {
  const events = new EventStore(() => clock.now());
  const journal = await openQueueJournal(folder);
  closes.push(() => journal.close());
  closes.push(await keepTasks(folder, events));
  const queues = new Queues({ report: events.report, journal, clock });
  reportKept(queues, events.report);
  const redrive = { deadLetterQueue: "dead", maxReceiveCount: 1 };
  for (const one of [spec("dead"), spec("tasks"), spec("once", { redrive })]) queues.create(one);
  closes.push(() => queues.close());
  return { events, queues };
}

async function stop() {
  for (const close of closes.splice(0).reverse()) await close();
}

type World = Awaited<ReturnType<typeof start>>;

function send({ queues }: World, id: string, queue = "tasks") {
  queues.send(queue, { body: celeryMessage([7], { id }), delaySeconds: 0 });
}

/** Receives a message, and begins to run it. */
async function begin({ events, queues }: World, queue = "tasks") {
  const options = { max: 1, waitSeconds: 0, by: "trigger" } as const;
  const [message] = await queues.receive(queue, options);
  const { messageId = "", receiptHandle = "" } = message ?? {};
  events.report({ type: "invoked", trigger: queue, container: "worker", messageIds: [messageId] });
  return { messageId, receiptHandle };
}

async function run(world: World, id: string) {
  send(world, id);
  clock.advance(100);
  const { messageId, receiptHandle } = await begin(world);
  clock.advance(200);
  const { events, queues } = world;
  const verdicts = [{ messageId, outcome: "done", state: "SUCCESS" }];
  events.report({ type: "stored", table: "celery", taskId: id, state: "SUCCESS", result: 42 });
  events.report({ type: "answered", messageIds: [messageId], status: 200, verdicts });
  queues.delete("tasks", receiptHandle);
  events.report({ type: "log", container: "worker", level: "info", message: "late", taskId: id });
}

const textOf = (folder: string) => readFileSync(join(folder, "tasks.jsonl"), "utf8");

describe("keepTasks", () => {
  test("a finished task is the same after a restart, and after the next", async () => {
    const first = await start();
    await run(first, "t1");
    clock.advance(5000);
    await run(first, "t2");
    const before = first.events.tasks();
    for (let restart = 0; restart < 3; restart++) {
      await stop();
      clock.advance(60_000);
      expect((await start()).events.tasks()).toEqual(before);
    }
    expect(before).toMatchObject([
      { id: "t2" },
      { id: "t1", result: 42, log: [{ message: "late" }] },
    ]);
  });

  test("it is written soon after its end, so that a kill forgets little", async () => {
    const world = await start();
    await run(world, "t1");
    send(world, "t2");
    await expect.poll(() => textOf(directory)).toContain('"t1"');

    const copy = mkdtempSync(join(tmpdir(), "killed-"));
    for (const name of ["tasks.jsonl", "queues.jsonl"]) {
      copyFileSync(join(directory, name), join(copy, name));
    }
    const after = await start(copy);
    expect(after.events.task("t1")).toEqual(world.events.task("t1"));
    expect(after.events.task("t2")).toMatchObject({ state: "waiting", name: "tasks.note" });
    await stop();
    rmSync(copy, { recursive: true });
  });

  test("a last line that a crash has cut is left out", async () => {
    const first = await start();
    await run(first, "t1");
    await stop();
    appendFileSync(join(directory, "tasks.jsonl"), '[{"id":"x","kind":"sent","mess');

    expect((await start()).events.tasks().map(({ id }) => id)).toEqual(["t1"]);
  });

  test("what was running is hidden as long as the queue hides it, and waits then", async () => {
    const first = await start();
    send(first, "t1");
    clock.advance(1000);
    await begin(first);
    clock.advance(2000);
    expect(first.events.task("t1")?.state).toBe("running");
    await stop();
    clock.advance(3000);

    const { events, queues } = await start();
    const dueAt = queues.peek("tasks")[0]?.visibleAt;
    expect(events.task("t1")).toMatchObject({
      ...{ state: "hidden", dueAt, name: "tasks.note" },
      attempts: [{ number: 1, delivery: 1, endedAt: expect.any(Number) }],
    });
    clock.advance(60_000);
    expect(events.task("t1")?.state).toBe("waiting");
  });

  test("what was running and is in no queue any more is not shown as running", async () => {
    const first = await start();
    send(first, "t1");
    const { receiptHandle } = await begin(first);
    first.queues.delete("tasks", receiptHandle);
    send(first, "t2");
    await begin(first);
    await stop();
    rmSync(join(directory, "queues.jsonl"));

    const { events } = await start();
    expect(events.tasks().map(({ state }) => state)).toEqual(["done", "done"]);
  });

  test("what has waited goes on waiting since it was sent, as one task", async () => {
    const first = await start();
    const sentAt = clock.now();
    send(first, "t1");
    await stop();
    clock.advance(60_000);

    const second = await start();
    clock.advance(1000);
    await begin(second);
    expect(second.events.tasks()).toMatchObject([
      { publishedAt: sentAt, waits: [{ cause: "queue", from: sentAt, to: clock.now() }] },
    ]);
  });

  test("a dead letter stays dead, with what led to it", async () => {
    const first = await start();
    send(first, "t1", "once");
    const { messageId } = await begin(first, "once");
    clock.advance(100);
    first.events.report({ type: "answered", messageIds: [messageId], status: 500, verdicts: [] });
    clock.advance(60_000);
    await first.queues.receive("once", { max: 1, waitSeconds: 0, by: "trigger" });
    const before = first.events.task("t1");
    expect(before?.state).toBe("dead");
    await stop();
    clock.advance(60_000);

    const after = (await start()).events.task("t1");
    expect(after).toEqual({ ...before, changedAt: after?.changedAt });
  });

  test("the file does not grow with what is told again and again", async () => {
    const events = new EventStore(() => clock.now());
    closes.push(await keepTasks(directory, events, 1));
    for (let round = 0; round < 8; round++) {
      const result = `${round}${"x".repeat(4_000_000)}`;
      events.report({ type: "stored", table: "celery", taskId: "t1", state: "SUCCESS", result });
      await expect.poll(() => textOf(directory)).toContain(`"result":"${round}x`);
    }
    await stop();

    expect(statSync(join(directory, "tasks.jsonl")).size).toBeLessThan(20_000_000);
    const after = new EventStore(() => clock.now());
    closes.push(await keepTasks(directory, after));
    expect(after.task("t1")).toEqual(events.task("t1"));
  });
});
