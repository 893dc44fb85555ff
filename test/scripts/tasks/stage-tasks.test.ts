import { afterAll, describe, expect, test } from "vitest";
import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import { Interrupted } from "../../../scripts/lib/shell/interrupt.ts";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import type { ReadLog } from "../../../scripts/lib/tasks/stage-facts.ts";
import {
  parseId,
  printStageTask,
  printStageTasks,
} from "../../../scripts/lib/tasks/stage-tasks.ts";
import type { DeployedApp } from "../../../scripts/lib/terraform/outputs.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import { settings } from "../_settings.ts";
import { ACCESS, bodyOf, fakeSystem, type Routes } from "../_system.ts";
import { bury, celery, closeWorlds, newWorld } from "../queue/_world.ts";

const START = Date.parse("2026-01-02T03:00:00Z");
const TABLE = "POST https://docapi BatchGetItem";
const APP = {
  queues: { url: "https://mq/tasks", further: { heavy: { url: "https://mq/heavy" } } },
  document_api_endpoint: "https://docapi",
  results_table: "celery",
} as unknown as DeployedApp;
const FLAGS = { since: START, failed: false, name: undefined, follow: false, json: false };

const NOBODY = async () => {
  throw new UserError("No key.");
};

let count = 0;

afterAll(closeWorlds);

function line(seconds: number, payload: object, fields: Partial<LogEntry> = {}): LogEntry {
  count += 1;
  return {
    ...{ uid: `u${count}`, timestamp: new Date(START + seconds * 1000).toISOString() },
    ...{ level: "INFO", message: "pay: SUCCESS" },
    json_payload: {
      ...{ logger: "celery_push_worker", message_id: `m${count}`, request_id: `r${count}` },
      ...{ outcome: "done", state: "SUCCESS", attempt: 1, duration_seconds: 1 },
      ...{ queue_latency_seconds: 2, ...payload },
    },
    ...fields,
  };
}

const LOG = [
  line(10, { task_id: "t1", task_name: "shop.pay", root_id: "t1", queue: "heavy" }),
  line(20, {
    ...{ task_id: "t2", task_name: "shop.mail", root_id: "t1", parent_id: "t1" },
    ...{ state: "FAILURE", exception_type: "KeyError" },
  }),
];

/** A stage whose service finds what the filter asks for. */
function stage(log: readonly LogEntry[] = LOG, routes: Routes = { [TABLE]: {} }, app = APP) {
  const system = fakeSystem({ routes });
  const asked: { readonly filter: string; readonly since: number }[] = [];
  const readLog: ReadLog = async function* (_, { filter, since }) {
    asked.push({ filter, since });
    const [, field = "", value] = /^json_payload\.(\w+) = "(.*)"$/.exec(filter) ?? [];
    const isAll = filter.includes(" OR ");
    yield* log.filter((entry) => isAll || entry.json_payload?.[field] === value);
  };
  const session = {
    ...{ system, settings: settings(), access: ACCESS, folderId: "b1g" },
    api: new CloudApi(system, ACCESS),
    terraform: new Terraform(system, { stage: "production", env: {} }),
  };
  return { stage: { session, app, readLog }, system, asked };
}

describe("printStageTasks", () => {
  test("lists tasks, the last changed first, as the local cloud does", async () => {
    const { stage: it, system, asked } = stage();
    await printStageTasks(it, FLAGS);

    expect(system.said).toEqual([
      expect.stringMatching(
        /failed +shop\.mail .* t2 waited 2\.0 s queued {2}run 1\.0 s {2}KeyError$/,
      ),
      expect.stringMatching(
        /ok +shop\.pay .* t1 waited 2\.0 s queued {2}run 1\.0 s {2}queue heavy$/,
      ),
    ]);
    expect(asked).toEqual([
      {
        filter:
          'json_payload.logger = "celery_push_worker" OR json_payload.logger = "celery.app.trace"',
        since: START,
      },
    ]);
  });

  test.each([
    [{ failed: true }, ["t2"]],
    [{ name: "pay" }, ["t1"]],
  ])("with %j lists %j", async (flags, ids) => {
    for (const follow of [false, true]) {
      const { stage: it, system } = stage();
      await printStageTasks(it, { ...FLAGS, ...flags, follow, json: true });
      expect(system.said.map((text) => JSON.parse(text).id)).toEqual(ids);
    }
  });

  test("followed, each end is one line as the log tells of it, repeated lines none", async () => {
    const { stage: it, system } = stage([...LOG, ...LOG]);
    await printStageTasks(it, { ...FLAGS, follow: true, json: true });

    expect(system.said.map((text) => JSON.parse(text))).toMatchObject([
      { id: "t1", state: "ok" },
      { id: "t2", state: "failed" },
    ]);
  });

  test.each([
    [false, "No task has run in this time. Look further back with --since."],
    [true, "No task has failed in this time. Look further back with --since."],
  ])("says that there is none (failed: %s)", async (failed, text) => {
    const { stage: it, system } = stage([]);
    await printStageTasks(it, { ...FLAGS, failed });
    expect(system.warned).toEqual([text]);
  });
});

describe("printStageTask", () => {
  const meta = { status: "SUCCESS", result: { paid: true }, date_done: "2026-01-02T03:00:10" };
  const item = (value: object) => ({
    body: {
      Responses: {
        celery: [
          {
            id: { S: "b'celery-task-meta-t1'" },
            result: { B: Buffer.from(JSON.stringify(value)).toString("base64") },
          },
        ],
      },
    },
  });

  test("tells its story, with its family and its result", async () => {
    const { stage: it, system, asked } = stage(LOG, { [TABLE]: item(meta) });
    await printStageTask(it, { since: START, json: false }, "t1", NOBODY);

    const story = system.said.join("\n");
    expect(story).toContain('  result\n    {"paid":true}');
    expect(story).toContain("shop.pay  ok  t1  (this one)\n      shop.mail  failed  t2");
    expect(asked.map(({ filter }) => filter)).toEqual([
      'json_payload.task_id = "t1"',
      'json_payload.root_id = "t1"',
    ]);
    expect(JSON.stringify(bodyOf(system.sent[0]?.init))).toContain("b'celery-task-meta-t1'");
  });

  test("is one object with --json", async () => {
    const { stage: it, system } = stage(LOG, { [TABLE]: item(meta) });
    await printStageTask(it, { since: START, json: true }, "t1", NOBODY);

    expect(JSON.parse(system.said.join())).toMatchObject({
      ...{ id: "t1", state: "ok", result: { paid: true }, family: ["t1", "t2"] },
    });
  });

  test("is refused where the log does not know it", async () => {
    await expect(
      printStageTask(stage().stage, { since: START, json: false }, "t9", NOBODY),
    ).rejects.toThrow(
      "The log says nothing of task t9 in this time. Look further back with --since, or wait: a line comes when an attempt has ended.",
    );
  });

  test("what the log says of a root becomes no query", async () => {
    const bad = line(10, { task_id: "t1", task_name: "pay", root_id: 'x" OR "' });
    const { stage: it, asked } = stage([bad]);
    await printStageTask(it, { since: START, json: false }, "t1", NOBODY);
    expect(asked).toHaveLength(1);
  });
});

describe("dead letters", () => {
  const BACK = { outcome: "retry_later", reason: "store_failed", state: undefined };

  /** A stage one of whose tasks is hidden and dead, and another one known by its letter only. */
  async function withLetters(worker: object = {}) {
    const world = await newWorld();
    const [first = ""] = bury(world, "default", [celery("shop.pay", [7], "d1")]);
    bury(world, "heavy", [celery("shop.video", ["a"], "d2")]);
    const [own, heavy] = world.stage;
    const queues = { ...own, further: { heavy } } as unknown as DeployedApp["queues"];
    const back = line(30, {
      ...{ task_id: "d1", task_name: "shop.pay", message_id: first, queue: "default" },
      ...{ ...BACK, receive_count: 10, ...worker },
    });
    const made = stage([...LOG, back], { [TABLE]: {} }, { ...APP, queues });
    return { ...made, world, openReader: async () => world.reader };
  }
  const ids = (texts: readonly string[]) =>
    texts.map((text) => JSON.parse(text)).map(({ id, state }) => `${id} ${state}`);

  test("are listed where they are asked for, with what was sent, and looking is said", async () => {
    const { stage: it, system, world, openReader } = await withLetters();
    const flags = { ...FLAGS, failed: true, json: true };

    await printStageTasks(it, flags);
    expect(ids(system.said.splice(0))).toEqual(["d1 hidden", "t2 failed"]);
    expect(world.asked).toEqual([]);

    await printStageTasks(it, flags, undefined, openReader);
    const found = system.said.map((text) => JSON.parse(text));
    expect(found.map(({ id, state }) => `${id} ${state}`).sort()).toEqual([
      "d1 dead",
      "d2 dead",
      "t2 failed",
    ]);
    expect(found.find(({ id }) => id === "d1")).toMatchObject({
      ...{ name: "shop.pay", args: [7], queue: "default", attempts: [{ delivery: 10 }] },
    });
    expect(system.warned).toEqual([expect.stringMatching(/^Looking has raised their receive/)]);
  });

  test("are the task's also where the letter has another id than the message had", async () => {
    const { stage: it, system, openReader } = await withLetters({ message_id: "m-other" });
    await printStageTask(it, { since: START, json: true }, "d1", openReader);
    expect(JSON.parse(system.said.join())).toMatchObject({ state: "dead", args: [7] });
  });

  test("are looked at for a task that is hidden or not known, until it is found", async () => {
    const { stage: it, system, world, openReader } = await withLetters();

    await printStageTask(it, { since: START, json: true }, "t1", openReader);
    expect(world.asked).toEqual([]);

    await printStageTask(it, { since: START, json: true }, "d1", openReader);
    expect(world.asked.filter((action) => action === "ReceiveMessage")).toHaveLength(1);
    await printStageTask(it, { since: START, json: true }, "d2", openReader);

    expect(ids(system.said)).toEqual(["t1 ok", "d1 dead", "d2 dead"]);
    expect(system.warned.map((text) => text.slice(0, 40))).toEqual(
      Array(2).fill("Looked for its dead letter. Looking has "),
    );
    expect(world.queues.counts("default-dead")).toMatchObject({ waiting: 1, inFlight: 0 });
  });

  test("that cannot be looked at are said not to be, and an interrupted look ends", async () => {
    const { stage: it, system, world, openReader } = await withLetters();

    await printStageTask(it, { since: START, json: true }, "d1", NOBODY);
    expect(ids(system.said)).toEqual(["d1 hidden"]);
    expect(system.warned).toEqual(["Whether it is a dead letter is not known: No key."]);

    world.stop.abort(new Interrupted("SIGINT"));
    await expect(
      printStageTask(it, { since: START, json: true }, "d1", openReader),
    ).rejects.toThrow("Interrupted.");
  });
});

test.each([
  [[], "Write the id of one task: npm run task -- <id>."],
  [["a", "b"], "Write the id of one task: npm run task -- <id>."],
  [['x" OR "'], '"x\\" OR \\"" is no id of a task. Ids stand in npm run tasks.'],
])("of words %j no id is made", (words, message) => {
  expect(() => parseId(words)).toThrow(message);
});
