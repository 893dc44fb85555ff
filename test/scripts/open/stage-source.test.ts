import { afterAll, afterEach, describe, expect, test } from "vitest";
import { decodeTask } from "../../../packages/task-history/decode-task.ts";
import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import { bury, celery, closeWorlds } from "../queue/_world.ts";
import {
  LIST,
  line,
  type OpenStage,
  openStage,
  recorded,
  START,
  TABLE,
  TRIGGERS,
  trigger,
} from "./_stage.ts";

let stage: OpenStage;

afterEach(() => stage.close());
afterAll(closeWorlds);

const open = async (...args: Parameters<typeof openStage>) => {
  stage = await openStage(...args);
  return stage.source;
};

const PAID = line(10, { task_id: "t1", task_name: "shop.pay", root_id: "t1", queue: "heavy" });
const MAILED = line(20, {
  ...{ task_id: "t2", task_name: "shop.mail", root_id: "t1", parent_id: "t1" },
  ...{ state: "FAILURE", exception_type: "x.KeyError" },
});
/** Of the last minute. */
const LATER = line(230, { task_id: "t3", task_name: "shop.pay" });
const LOGGED_ITSELF: LogEntry = {
  ...{ uid: "own", timestamp: new Date(START + 9500).toISOString(), level: "INFO" },
  ...{ message: "charging 77", json_payload: { task_id: "t1" } },
};

const receives = () => stage.world.asked.filter((action) => action === "ReceiveMessage").length;

describe("what a stage's page shows", () => {
  test("tasks of the log, the last changed first, as the filter asks", async () => {
    const source = await open([PAID, MAILED]);
    const list = async (filter: Parameters<typeof source.tasks>[0]) => {
      const { tasks, more } = await source.tasks(filter);
      return [...tasks.map(({ id }) => id), ...(more ? ["more"] : [])];
    };

    expect((await source.tasks({})).tasks[1]).toMatchObject({
      ...{ id: "t1", name: "shop.pay", queue: "heavy", state: "ok", attempts: 1 },
      ...{ waitMs: 2000, runMs: 1000, changedAt: START + 10_000 },
    });
    expect(await list({})).toEqual(["t2", "t1"]);
    expect(await list({ limit: 1 })).toEqual(["t2", "more"]);
    expect(await list({ before: START + 20_000 })).toEqual(["t1"]);
    expect(await list({ show: "failed" })).toEqual(["t2"]);
    expect(await list({ search: "PAY" })).toEqual(["t1"]);
    expect(await list({ search: "t2" })).toEqual(["t2"]);
    expect(await list({ search: "nothing" })).toEqual([]);
  });

  test("what runs there, and what is said of the page itself", async () => {
    const source = await open([PAID, MAILED], {
      [LIST]: {
        body: { triggers: [trigger("a1", "shop-tasks", "PAUSED"), trigger("b", "other")] },
      },
    });
    bury(stage.world, "default", ["a", "b"]);
    stage.world.queues.send("default", { body: "c", attributes: {} });

    expect(await source.overview()).toEqual({
      ...{ title: "shop-production", source: "stage", stage: "production", paused: true },
      actions: ["again", "run", "redrive", "delete", "pause", "resume"],
      note: expect.stringMatching(
        /^Tasks whose deliveries have ended since .* as the log tells\. Looking at dead letters raises their receive counts\.$/,
      ),
      counts: { all: 2, waiting: 0, running: 0, failed: 1, dead: 0 },
      containers: [
        { name: "web", state: "deployed" },
        { name: "worker", state: "deployed" },
      ],
      queues: [
        { name: "default", waiting: 1, inFlight: 0, delayed: 0, dead: 2 },
        { name: "heavy", waiting: 0, inFlight: 0, delayed: 0, dead: 0 },
      ],
      timers: [
        { name: "nightly", schedule: "0 3 ? * * *", nextAt: Date.parse("2026-01-03T03:00Z") },
      ],
    });
    expect(receives()).toBe(0);
  });

  test("asks for counts again after 15 seconds, and nobody waits for them", async () => {
    const source = await open();
    const waiting = async () => (await source.overview()).queues[0]?.waiting;
    expect(await waiting()).toBe(0);
    stage.world.queues.send("default", { body: "c", attributes: {} });

    expect(await waiting()).toBe(0);
    await stage.world.reader.system.sleep(15_000);
    expect(await waiting()).toBe(0);
    await expect.poll(waiting).toBe(1);
    expect(stage.world.asked).toHaveLength(8);
  });

  test("one task whole: steps and family at once, result and own lines as a change", async () => {
    const meta = { status: "SUCCESS", result: { paid: true }, date_done: "2026-01-02T03:00:10" };
    const source = await open([PAID, MAILED, LOGGED_ITSELF], { [TABLE]: recorded({ t1: meta }) });
    const changed: string[] = [];
    source.subscribe((ids) => void changed.push(...ids));

    const first = await source.task("t1");
    expect(first).toMatchObject({
      steps: [
        { kind: "sent" },
        { kind: "waited" },
        { kind: "ran" },
        { kind: "ended", state: "ok" },
      ],
      family: [{ id: "t1" }, { id: "t2", parentId: "t1" }],
      notAgain: expect.stringContaining("push_worker_log_arguments"),
      areArgumentsUnknown: true,
    });
    expect(first?.task.result).toBeUndefined();
    await stage.read();

    const second = await source.task("t1");
    expect(changed).toContain("t1");
    expect(second?.task.result).toEqual({ paid: true });
    expect(second?.task.log.map(({ message }) => message)).toContain("charging 77");
    await stage.read();
    const asked = stage.asked.length;
    await source.task("t1");
    await stage.read();
    expect(stage.asked).toHaveLength(asked);
  });

  test("where in the project's sources a task has failed", async () => {
    const exception =
      'Traceback (most recent call last):\n  File "/app/jobs/tasks.py", line 77, in f\n    f()\nx.KeyError: 7';
    const raised = line(20, {
      ...{ logger: "celery.app.trace", task_id: "t2", outcome: undefined, message_id: undefined },
      exception,
    });
    const source = await open([MAILED, raised]);
    expect(await source.task("t2")).toMatchObject({
      ...{ location: "jobs/tasks.py:77", summary: { error: "KeyError: 7" } },
    });
  });

  test("one that was too long ago for the list, and none that is not there", async () => {
    const source = await open([line(-3600, { task_id: "old", task_name: "shop.pay" })]);
    expect((await source.tasks({})).tasks).toEqual([]);

    expect((await source.task("old"))?.task).toMatchObject({ id: "old", state: "ok" });
    expect(await source.task("nobody")).toBeUndefined();
    expect(await source.task('x" OR "')).toBeUndefined();
    expect(stage.asked.map(({ filter }) => filter)).not.toContain("x");
  });

  test("the last hour", async () => {
    const source = await open([PAID, MAILED]);
    const { minutes, names } = await source.hour();
    expect(minutes).toHaveLength(60);
    expect(names.map(({ name, failed }) => `${name} ${failed}`).sort()).toEqual([
      "shop.mail 1",
      "shop.pay 0",
    ]);
  });

  test("what comes later, late or twice, is told to whoever has subscribed, until they leave", async () => {
    const source = await open([PAID]);
    const changed = new Set<string>();
    const leave = source.subscribe((ids) => {
      for (const id of ids) changed.add(id);
    });

    stage.write(LATER, line(210, { task_id: "t4", task_name: "shop.pay" }), LATER);
    await stage.read();
    expect([...changed]).toEqual(["t3", "t4"]);
    expect((await source.summaries(["t3", "nobody"])).map(({ id }) => id)).toEqual(["t3"]);
    expect((await source.task("t3"))?.task.attempts).toHaveLength(1);
    leave();
    changed.clear();
    stage.write(line(220, { task_id: "t5", task_name: "shop.pay" }));
    await stage.read();
    expect([...changed]).toEqual([]);
    expect((await source.overview()).counts.all).toBe(4);
  });

  test("a log that cannot be read for a while is said to be, and read on", async () => {
    const source = await open([PAID]);
    stage.fail(new Error("No network."));
    await stage.read();
    expect((await source.overview()).note).toContain("No network.");

    stage.write(LATER);
    stage.fail(undefined);
    await expect.poll(async () => (await source.overview()).counts.all).toBe(2);
    expect((await source.overview()).note).not.toContain("No network.");
  });

  test("a log that cannot be read at all ends it", async () => {
    await open([], {}, {}, new Error("Reading logs takes the role logging.reader."));
    await expect(stage.following).rejects.toThrow("logging.reader");
  });
});

describe("dead letters", () => {
  const failed = (type: string): object => ({
    ...{ status: "FAILURE", date_done: "2026-01-02T03:00:30" },
    result: { exc_type: type, exc_message: ["bank"], exc_module: "x" },
  });

  test("are grouped with their errors, make their tasks dead, and are looked at once while their number stays", async () => {
    const source = await open([PAID], {
      [TABLE]: recorded({ c1: failed("ConnectionError"), c2: failed("ConnectionError") }),
    });
    const ids = bury(stage.world, "default", [
      celery("shop.charge", [1], "c1"),
      celery("shop.charge", [2], "c2"),
    ]);
    bury(stage.world, "heavy", ["no Celery"]);

    const groups = await source.deadLetters();

    expect(groups).toMatchObject([
      {
        ...{ name: "shop.charge", error: { type: "ConnectionError", message: "bank" }, count: 2 },
        queue: "default",
        letters: [
          { messageId: ids[0], taskId: "c1" },
          { messageId: ids[1], taskId: "c2" },
        ],
      },
      { name: "", error: { type: "", message: "" }, queue: "heavy", count: 1 },
    ]);
    const { tasks } = await source.tasks({ show: "dead", search: "charge" });
    expect(tasks.map(({ id, args }) => `${id} ${args}`).sort()).toEqual(["c1 1", "c2 2"]);
    const before = receives();
    await Promise.all([source.deadLetters(), source.deadLetters()]);
    expect(receives()).toBe(before);

    bury(stage.world, "heavy", [celery("shop.video", [], "v1")]);
    expect(await source.deadLetters()).toHaveLength(3);
    await stage.world.reader.system.sleep(60_000);
    const once = receives();
    await source.deadLetters();
    expect(receives()).toBeGreaterThan(once);
  });

  test("are shown without their errors where results cannot be read, which is said", async () => {
    const denied = { status: 400, body: { __type: "x#AccessDeniedException", message: "denied" } };
    const source = await open([], { [TABLE]: denied });
    bury(stage.world, "default", [celery("shop.charge", [1], "c1")]);

    expect(await source.deadLetters()).toMatchObject([{ error: { type: "" }, count: 1 }]);
    expect((await source.overview()).note).toContain("denied");
  });

  test("cannot be looked at without a key; the rest is there", async () => {
    const source = await open([PAID], {}, { reader: "No key for the queues." });

    await expect(source.deadLetters()).rejects.toThrow("No key for the queues.");
    const overview = await source.overview();
    expect(overview).toMatchObject({ queues: [], actions: ["pause", "resume"] });
    expect(overview.note).toContain("No key for the queues.");
    expect((await source.task("t1"))?.notAgain).toBe("No key for the queues.");
    await expect(source.act({ kind: "redrive", messageIds: ["m"] })).rejects.toThrow("No key");
  });
});

describe("what its page does", () => {
  test("nothing, unless it was opened for that", async () => {
    const source = await open([], {}, { act: false });
    expect((await source.overview()).actions).toEqual([]);
    await expect(source.act({ kind: "pause" })).rejects.toThrow(
      "This page only shows. Open it with --act.",
    );
  });

  test.each(["fire", "step"] as const)("no %s, which a stage does not have", async (kind) => {
    const source = await open();
    const action = kind === "fire" ? { kind, timer: "nightly" } : { kind };
    await expect(source.act(action)).rejects.toThrow(
      `"${kind}" is not possible in a deployed stage.`,
    );
  });

  test("pauses and resumes the triggers, and knows it at once", async () => {
    const paused = { body: { triggers: [trigger("a1", "shop-tasks", "PAUSED")] } };
    const active = { body: { triggers: [trigger("a1", "shop-tasks")] } };
    const source = await open([], {
      [LIST]: [active, active, paused, paused, active, active],
      [`POST ${TRIGGERS}/a1:pause`]: { body: { done: true } },
      [`POST ${TRIGGERS}/a1:resume`]: { body: { done: true } },
    });
    expect((await source.overview()).paused).toBe(false);

    expect(await source.act({ kind: "pause" })).toEqual({
      message: "pause shop-tasks. It can take 5 minutes to work.",
    });
    await expect.poll(async () => (await source.overview()).paused).toBe(true);
    expect(await source.act({ kind: "resume" })).toEqual({ message: "resume shop-tasks." });
    await expect.poll(async () => (await source.overview()).paused).toBe(false);
    expect(await source.act({ kind: "resume" })).toEqual({
      message: "The triggers are resumed already.",
    });
  });

  test("sends dead letters back and deletes them, with what the commands say", async () => {
    const source = await open();
    const { world } = stage;
    const [first = "", second = "", third = ""] = bury(world, "default", [
      celery("shop.charge", [1], "c1"),
      celery("shop.charge", [2], "c2"),
      celery("shop.charge", [3], "c3"),
    ]);
    await source.deadLetters();

    expect(await source.act({ kind: "redrive", messageIds: [first] })).toEqual({
      message: "1 dead letter sent back.",
    });
    expect(await source.act({ kind: "delete", messageIds: [second] })).toEqual({
      message: "1 dead letter deleted.",
    });
    await expect(source.act({ kind: "redrive", messageIds: [third, "gone"] })).rejects.toThrow(
      "1 dead letter sent back. No dead letter has the id gone.",
    );
    expect(world.bodies("default")).toHaveLength(2);
    expect(world.bodies("default-dead")).toEqual([]);
    expect(world.asked.filter((action) => action === "ReceiveMessage").length).toBeGreaterThan(3);
    expect(world.system.said).toEqual([]);
  });

  test("runs a dead task again with its own bytes, as another one; the letter stays", async () => {
    const source = await open();
    const { world } = stage;
    const attributes = { a: { dataType: "String", stringValue: "1" } };
    bury(world, "heavy", [celery("shop.charge", [{ Анна: [1.5, null] }], "c1")], attributes);
    await source.deadLetters();
    expect((await source.task("c1"))?.notAgain).toBeUndefined();

    const { id = "", message } = await source.act({ kind: "again", id: "c1" });

    const [sent] = world.queues.peek("heavy");
    expect(decodeTask(sent?.body ?? "")).toMatchObject({
      ...{ id, name: "shop.charge", args: [{ Анна: [1.5, null] }], kwargs: {} },
    });
    expect(id).not.toBe("c1");
    expect(sent?.attributes).toEqual(attributes);
    expect(message).toBe(`Sent as ${id}. It is listed when its first delivery has ended.`);
    expect(world.queues.counts("heavy-dead")).toMatchObject({ waiting: 1, inFlight: 0 });

    world.queues.purge("heavy-dead");
    await expect(source.act({ kind: "again", id: "c1" })).rejects.toThrow(
      "Its dead letter is not there any more, or somebody else holds it.",
    );
  });

  test("runs it with other arguments, in its queue", async () => {
    const source = await open();
    const { world } = stage;
    bury(world, "heavy", [celery("shop.charge", [1], "c1")]);
    await source.deadLetters();

    const { id } = await source.act({ kind: "run", id: "c1", args: [2], kwargs: { user: "Анна" } });

    const [sent] = world.queues.peek("heavy");
    expect(decodeTask(sent?.body ?? "")).toMatchObject({
      ...{ id, rootId: id, name: "shop.charge", args: [2], kwargs: { user: "Анна" }, retries: 0 },
    });
    expect(world.bodies("default")).toEqual([]);
  });

  test.each([
    ["(77, 'a')", "{'user': None}", undefined],
    ["(77, 'a...", "{}", "Its arguments are in the log as Python's text, which is cut"],
    ["('***',)", "{}", "Its arguments are in the log as Python's text, which is cut"],
    ["(<User: 8>,)", "{}", "Its arguments are in the log as Python's text, which is cut"],
    ["(77,)", "[]", "Its arguments are in the log as Python's text, which is cut"],
    [undefined, undefined, "Its arguments are not known: a stage's log has them only with"],
  ])("runs a task again of which the log has %s %s, or says why not", async (args, kwargs, why) => {
    const source = await open([
      line(10, { task_id: "t1", task_name: "shop.pay", queue: "elsewhere", args, kwargs }),
    ]);

    const notAgain = (await source.task("t1"))?.notAgain;
    if (why !== undefined) {
      expect(notAgain).toContain(why);
      return await expect(source.act({ kind: "again", id: "t1" })).rejects.toThrow(why);
    }
    expect(notAgain).toBeUndefined();
    const { id } = await source.act({ kind: "again", id: "t1" });
    const [sent] = stage.world.queues.peek("default");
    expect(decodeTask(sent?.body ?? "")).toMatchObject({
      ...{ id, name: "shop.pay", args: [77, "a"], kwargs: { user: null } },
    });
  });

  test("refuses what is not a task of Celery's, not known, or not taken", async () => {
    const source = await open();
    const { world } = stage;
    const [id = ""] = bury(world, "default", ["no Celery"]);
    bury(world, "default", [celery("shop.charge", [1], "c1")]);
    await source.deadLetters();

    await expect(source.act({ kind: "again", id })).rejects.toThrow("not a message of Celery's");
    await expect(source.act({ kind: "again", id: "nobody" })).rejects.toThrow(
      "Task nobody is not known any more.",
    );
    world.reader.client.send = async () => new Map([[0, "InvalidMessageContents: no"]]);
    await expect(source.act({ kind: "again", id: "c1" })).rejects.toThrow(
      "The queue did not take it: InvalidMessageContents: no.",
    );
    expect(world.bodies("default")).toEqual([]);
  });
});
