import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { startConsole } from "../../../packages/console/server.ts";
import type { ContainerRequest } from "../../../packages/local-cloud/containers/invoke.ts";
import {
  type ActOnLetters,
  LocalSource,
} from "../../../packages/local-cloud/control/console-source.ts";
import type { Deployment } from "../../../packages/local-cloud/deployment/deployment.ts";
import { EventStore } from "../../../packages/local-cloud/events/store.ts";
import { Queues } from "../../../packages/local-cloud/queue/queues.ts";
import { QueueTriggers } from "../../../packages/local-cloud/trigger/queue-triggers.ts";
import { Timers } from "../../../packages/local-cloud/trigger/timers.ts";
import { decodeTask } from "../../../packages/task-history/decode-task.ts";
import { QUEUE, settle, TRIGGER } from "../trigger/_world.ts";

const FOLLOWED = '{"callbacks":null,"errbacks":null,"chain":[{"task":"shop.mail"}],"chord":null}';
const DEAD = { ...QUEUE, name: "shop-tasks-dead" };
const HEAVY_DEAD = { ...QUEUE, name: "shop-heavy-dead" };
const SPECS = [
  { ...QUEUE, redrive: { deadLetterQueue: DEAD.name, maxReceiveCount: 1 } },
  {
    ...{ ...QUEUE, name: "shop-heavy" },
    redrive: { deadLetterQueue: HEAVY_DEAD.name, maxReceiveCount: 1 },
  },
  DEAD,
  HEAVY_DEAD,
];

let events: EventStore;
let queues: Queues;
let triggers: QueueTriggers;
let source: LocalSource;
let calls: ContainerRequest[];
const actOnLetters = vi.fn<ActOnLetters>(async () => "1 dead letter sent back.");

beforeEach(() => {
  events = new EventStore();
  const { report } = events;
  queues = new Queues({ report });
  for (const spec of SPECS) queues.create(spec);
  calls = [];
  const invoke = async (_: string, request: ContainerRequest) => {
    calls.push(request);
    return { status: 200, headers: [], body: Buffer.from("") };
  };
  const containers = {
    concurrencyOf: () => 2,
    hasRoom: () => true,
    whenRoom: async () => {},
    states: [{ name: "shop-worker", state: "ready", pid: 7, memoryMib: 97, requests: 5 }],
  };
  const specs = [TRIGGER, { ...TRIGGER, name: "shop-heavy", queue: "shop-heavy" }];
  triggers = new QueueTriggers({ specs, queues, invoke, containers, report });
  const spec = { name: "nightly", cron: "0 3 * * ? *", payload: "", path: "/" };
  const timerSpecs = [{ ...spec, container: "shop-worker" }];
  const timers = new Timers({ specs: timerSpecs, invoke, report });
  const worker = { name: "shop-worker", source: "shop", concurrency: 2, memoryMib: 256 };
  const environment = { SQS_QUEUES: '{"heavy":"http://localhost:9324/x/shop-heavy"}' };
  const blueprint = {
    ...{ project: "shop", queues: SPECS, queueTriggers: specs, timers: timerSpecs },
    containers: [{ ...worker, environment }],
  };
  const current = { blueprint, site: "", triggers, timers, containers } as unknown as Deployment;
  const options = { events, queues, current: () => current, root: "/home/me" };
  actOnLetters.mockClear();
  source = new LocalSource({ ...options, actOnLetters });
});
afterEach(async () => {
  await triggers.stop();
  queues.close();
});

function celery(id: string, args: unknown[] = [77], embed = FOLLOWED): string {
  return JSON.stringify({
    ...{ body: `[${JSON.stringify(args)}, {}, ${embed}]`, "content-type": "application/json" },
    headers: { task: "shop.pay", id, root_id: "root", eta: "2020-01-01T00:00:00+00:00" },
    properties: { correlation_id: id },
  });
}

function send(id: string, args?: unknown[], queue = "shop-tasks"): void {
  queues.send(queue, { body: celery(id, args) });
}

function store(taskId: string, state: string): void {
  events.report({ type: "stored", table: "celery", taskId, state });
}

/** Has a message among the dead letters. */
async function bury(id: string, queue = "shop-tasks"): Promise<string> {
  send(id, [77], queue);
  const options = { max: 10, waitSeconds: 0, by: "client" } as const;
  await queues.receive(queue, { ...options, visibilityTimeoutSeconds: 0 });
  await queues.receive(queue, options);
  return queues.peek(`${queue}-dead`).at(-1)?.messageId ?? "";
}

describe("looking", () => {
  test("shows what runs", async () => {
    await bury("three");
    send("one");
    send("two", [], "shop-heavy");

    expect(await source.overview()).toMatchObject({
      ...{ title: "shop", source: "local", paused: false },
      actions: ["again", "run", "fire", "pause", "resume", "step", "redrive", "delete"],
      counts: { all: 3, waiting: 2, running: 0, failed: 1, dead: 1 },
      containers: [
        {
          ...{ name: "shop-worker", state: "ready", pid: 7, busy: 2, concurrency: 2 },
          ...{ memoryBytes: 97 * 2 ** 20, memoryLimitBytes: 256 * 2 ** 20 },
        },
      ],
      queues: [
        { name: "default", waiting: 1, inFlight: 0, dead: 1 },
        { name: "heavy", waiting: 1, dead: 0 },
      ],
      timers: [{ name: "nightly", schedule: "0 3 * * ? *", nextAt: expect.any(Number) }],
    });
  });

  test("lists the last changed first, filtered and cut", async () => {
    for (const id of ["a", "b", "c"]) send(id, [`To ${id.toUpperCase()}@b.ru`]);
    store("b", "FAILURE");
    const ids = async (filter: Parameters<LocalSource["tasks"]>[0]) => {
      const { tasks, more } = await source.tasks(filter);
      return [tasks.map(({ id }) => id).join(""), more];
    };

    expect((await ids({}))[1]).toBe(false);
    expect(await ids({ search: " to B@ " })).toEqual(["b", false]);
    expect(await ids({ search: "SHOP.PAY", limit: 2 })).toEqual([expect.any(String), true]);
    expect((await ids({ show: "waiting" }))[0]).toHaveLength(3);
    expect(await ids({ show: "dead" })).toEqual(["", false]);
    expect(await ids({ before: 1000 })).toEqual(["", false]);
    expect((await source.tasks({ search: "b@" })).tasks[0]).toMatchObject({
      ...{ name: "shop.pay", queue: "default", args: '"To B@b.ru"' },
    });
  });

  test("tells all of a task", async () => {
    send("one");
    send("two", [], "shop-heavy");
    const traceback = '  File "/home/me/shop/jobs/tasks.py", line 77, in pay\nE: m';
    const failed = { table: "celery", state: "FAILURE", traceback };
    events.report({
      type: "stored",
      taskId: "two",
      ...failed,
      result: { exc_type: "E", exc_message: ["m"] },
    });

    expect(await source.task("two")).toMatchObject({
      task: { id: "two", name: "shop.pay" },
      summary: { id: "two", queue: "heavy" },
      steps: [{ kind: "sent", queue: "heavy" }],
      waiting: { cause: "queue", fields: [] },
      family: expect.arrayContaining([expect.objectContaining({ id: "one" })]),
      location: "jobs/tasks.py:77",
      notAgain: undefined,
    });
    expect(await source.task("none")).toBeUndefined();
    expect(await source.summaries(["none", "one"])).toMatchObject([{ id: "one" }]);
  });

  test("groups dead letters by what is known of their tasks", async () => {
    const first = await bury("one");
    const second = await bury("two", "shop-heavy");
    const failed = { table: "celery", state: "FAILURE", traceback: "x" };
    events.report({
      ...{ type: "stored", taskId: "one", ...failed },
      result: { exc_type: "ConnectionError", exc_message: ["bank timeout"] },
    });

    expect(await source.deadLetters()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          ...{ name: "shop.pay", queue: "default", count: 1 },
          error: { type: "ConnectionError", message: "bank timeout", traceback: undefined },
          letters: [{ messageId: first, taskId: "one" }],
        }),
        expect.objectContaining({
          ...{ queue: "heavy", error: { type: "", message: "" } },
          letters: [{ messageId: second, taskId: "two" }],
        }),
      ]),
    );
  });

  test("the last hour has what changed in it, and what is still under way", async () => {
    send("one");
    store("two", "SUCCESS");
    const { minutes } = await source.hour();
    expect(minutes.at(-1)).toMatchObject({ waiting: 1, ok: 1 });
  });

  test("changes nothing: all counts are the same after a thousand looks at each", async () => {
    const server = await startConsole(source, 0);
    onTestFinished(() => server.close());
    send("one");
    await bury("two");
    const before = SPECS.map(({ name }) => queues.peek(name));
    const { length } = events.since(0);

    const paths = ["", "/tasks", "/tasks/one", "/tasks/two", "/dead-letters", "/hour"];
    const look = async (path: string) => {
      const response = await fetch(`${server.url}/api/console${path}`);
      expect(response.status).toBe(200);
      await response.arrayBuffer();
    };
    // Ten at a time: a busy server resets what it cannot accept.
    for (const path of paths)
      for (let round = 0; round < 100; round += 1)
        await Promise.all(Array.from({ length: 10 }, () => look(path)));
    expect(SPECS.map(({ name }) => queues.peek(name))).toEqual(before);
    expect(events.since(0)).toHaveLength(length);
  });

  test("passes on which tasks have changed, until it is told to stop", async () => {
    const changed: string[] = [];
    const stop = source.subscribe((ids) => changed.push(...ids));
    send("one");
    stop();
    send("two");
    expect(new Set(changed)).toEqual(new Set(["one"]));
  });

  test("describes no more tasks than are asked for, of however many", async () => {
    for (let number = 0; number < 2000; number += 1) send(`${number}`, [{ number }]);
    const stringified = vi.spyOn(JSON, "stringify");
    onTestFinished(() => stringified.mockRestore());
    await source.tasks({ limit: 20 });

    // Each argument that is shown is formatted; those of the others are not.
    expect(stringified.mock.calls.length).toBeLessThan(50);
  });
});

describe("again and run", () => {
  test("send the message that was sent, as a task of its own, where it was sent", async () => {
    send("one", [1.5], "shop-heavy");
    const { id = "", message } = await source.act({ kind: "again", id: "one" });

    expect(message).toBe("Sent to queue heavy.");
    const body = queues.peek("shop-heavy").at(-1)?.body ?? "";
    expect(decodeTask(body)).toMatchObject({ id, rootId: id, args: [1.5], eta: undefined });
    expect(JSON.parse(JSON.parse(body).body)[2].chain).toBeNull();
    expect((await source.task(id))?.family).toHaveLength(1);
  });

  test("send other arguments", async () => {
    send("one");
    const { id = "" } = await source.act({
      ...{ kind: "run", id: "one", args: ["x"], kwargs: { y: 2 } },
    });
    expect(events.task(id)).toMatchObject({ name: "shop.pay", args: ["x"], kwargs: { y: 2 } });
  });

  test("send the first message of a task, whatever came after it, also when it is gone", async () => {
    send("one", ["first"]);
    send("one", ["retried"]);
    queues.purge("shop-tasks");
    const { id = "" } = await source.act({ kind: "again", id: "one" });
    expect(events.task(id)).toMatchObject({ args: ["first"] });
  });

  test("are not possible for what this run has not sent, and say so before", async () => {
    store("old", "SUCCESS");
    const why =
      "Its message is not kept any more: it was sent before this start, or too many after it.";
    expect(await source.task("old")).toMatchObject({ notAgain: why });
    await expect(source.act({ kind: "again", id: "old" })).rejects.toThrow(why);
  });

  test("are not possible for a message of others, and say so", async () => {
    const { messageId } = queues.send("shop-tasks", { body: "hello" });
    const why = "Its message is not Celery's.";
    expect(await source.task(messageId)).toMatchObject({ notAgain: why });
    await expect(source.act({ kind: "again", id: messageId })).rejects.toThrow(why);
  });

  test("meet the limits that clients meet", async () => {
    send("one");
    const kwargs = { x: "x".repeat(300_000) };
    await expect(source.act({ kind: "run", id: "one", args: [], kwargs })).rejects.toThrow(
      "Message must be shorter than 262144 bytes",
    );
  });
});

describe("pause, step and resume", () => {
  test("a step takes exactly one message", async () => {
    triggers.start();
    await source.act({ kind: "pause" });
    for (const id of ["one", "two"]) send(id);
    send("three", [], "shop-heavy");
    await settle();
    expect([(await source.overview()).paused, calls.length]).toEqual([true, 0]);

    expect(await source.act({ kind: "step" })).toEqual({
      ...{ id: "one", message: "One message was taken." },
    });
    await settle();
    expect([calls.length, queues.counts("shop-tasks").waiting]).toEqual([1, 1]);
    await source.act({ kind: "step" });
    expect((await source.act({ kind: "step" })).id).toBe("three");
    await expect(source.act({ kind: "step" })).rejects.toThrow(
      "No message can be taken now: none waits, or the container is busy.",
    );
    await source.act({ kind: "resume" });
    send("four");
    await settle();
    expect([(await source.overview()).paused, calls.length]).toEqual([false, 4]);
  });

  test("a step needs a pause", async () => {
    await expect(source.act({ kind: "step" })).rejects.toThrow(
      "Pause first: a step takes one message while all wait.",
    );
  });

  test("a pause before anything was started is kept", async () => {
    await source.act({ kind: "pause" });
    triggers.start();
    send("one");
    await settle();
    expect(calls).toHaveLength(0);
    await source.act({ kind: "resume" });
    await settle();
    expect(calls).toHaveLength(1);
  });

  test("resuming before the start takes nothing yet", async () => {
    await source.act({ kind: "resume" });
    send("one");
    await settle();
    expect(calls).toHaveLength(0);
  });
});

describe("the rest", () => {
  test("fires a timer, and shows what came of it", async () => {
    expect(await source.act({ kind: "fire", timer: "nightly" })).toEqual({
      message: "Timer nightly was answered 200.",
    });
    expect((await source.overview()).timers).toMatchObject([{ lastStatus: 200 }]);
    await expect(source.act({ kind: "fire", timer: "daily" })).rejects.toThrow("Timer daily");
  });

  test("acts on dead letters by what it was given, and without that not at all", async () => {
    const action = { kind: "redrive", messageIds: ["m1"] } as const;
    expect(await source.act(action)).toEqual({ message: "1 dead letter sent back." });
    const names = new Map([["shop-heavy", "heavy"]]);
    expect(actOnLetters).toHaveBeenCalledWith("redrive", ["m1"], { specs: SPECS, names });

    const { options } = source as unknown as {
      options: ConstructorParameters<typeof LocalSource>[0];
    };
    const alone = new LocalSource({ ...options, actOnLetters: undefined });
    expect((await alone.overview()).actions).not.toContain("redrive");
    await expect(alone.act(action)).rejects.toThrow("Nothing here acts on dead letters.");
  });
});
