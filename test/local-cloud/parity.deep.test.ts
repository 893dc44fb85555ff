import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseObject } from "../../packages/local-cloud/support/json.ts";
import type { LogEntry } from "../../packages/task-history/log-entry.ts";
import type { TaskRecord } from "../../packages/task-history/task-record.ts";
import { Tasks } from "../../packages/task-history/tasks.ts";
import { factsOfLogEntry } from "../../packages/task-history/worker-line.ts";
import { parsePython } from "../../scripts/lib/open/python-text.ts";
import { ROOT } from "../support/sources.ts";
import { Project, type Running, SHOP } from "./_project.ts";

// What the local cloud sees of messages, and what a stage's log says of the same ones.

const SEND = `
from tasks import add, fail, parent, retry
add.delay(1, 2, note="x")
add.apply_async((3, 4), countdown=2)
fail.delay("no money")
retry.delay("again")
parent.delay(5)
`;
const COUNT = 6;
const OVER = new Set(["ok", "failed"]);

const project = new Project("");
const source = join(project.dir, "parity");
const lines = join(project.dir, "lines.txt");
let running: Running;
let urls: Awaited<ReturnType<Running["urls"]>>;

beforeAll(async () => {
  mkdirSync(source);
  for (const file of ["requirements.txt", "web.py"]) cpSync(join(SHOP, file), join(source, file));
  cpSync(join(ROOT, "test", "local-cloud", "parity", "tasks.py"), join(source, "tasks.py"));
  project.configure(`
    celeryApp: "tasks:app",
    image: { context: "parity" },
    web: { command: ["python", "web.py"] },
    env: { LINES: ${JSON.stringify(lines)} },
  `);
  running = project.start("--json");
  urls = await running.urls();
  const sent = await project.run("run", "env", "-u", "LINES", "python", "-c", SEND);
  expect(await sent.end, sent.stderr).toBe(0);
});
afterAll(() => project.close());

async function seenLocally(): Promise<readonly TaskRecord[]> {
  const response = await fetch(`${urls.control}/api/tasks`);
  return ((await response.json()) as { readonly tasks: readonly TaskRecord[] }).tasks;
}

/** As Cloud Logging keeps what a container prints, and `yc` reads it. */
function seenInLog(): readonly TaskRecord[] {
  const tasks = new Tasks();
  const texts = existsSync(lines) ? readFileSync(lines, "utf8").split("\n") : [];
  for (const [place, text] of texts.entries()) {
    const { level, message, ...fields } = parseObject(text.replace(/^\d+ /, "")) ?? {};
    const entry: LogEntry = {
      ...{ uid: `u${place}`, timestamp: new Date(Number.parseInt(text, 10) || 0).toISOString() },
      ...{ level: String(level), message: String(message), json_payload: fields },
    };
    for (const fact of factsOfLogEntry(entry)) tasks.take(fact);
  }
  return tasks.list(Date.now());
}

/** What both can know of a task; of times only what the queue says, for the rest is measured twice. */
function common(task: TaskRecord) {
  const { id, name, state, rootId, parentId, groupId, publishedAt, attempts, error } = task;
  return {
    ...{ id, name, state, rootId, parentId, groupId, publishedAt },
    error: error && [error.type, error.message],
    attempts: attempts.map(({ number, messageId, delivery, by, outcome, ...attempt }) => ({
      ...{ number, messageId, delivery, by, outcome, state: attempt.state },
      error: attempt.error?.type,
    })),
  };
}

function byId(tasks: readonly TaskRecord[]) {
  return tasks.map(common).sort((one, other) => (one.id < other.id ? -1 : 1));
}

test("the log of a stage tells of the same messages what the local cloud sees of them", async () => {
  const areOver = (tasks: readonly TaskRecord[]) =>
    tasks.filter(({ state }) => OVER.has(state)).length === COUNT;
  await expect
    .poll(async () => areOver(await seenLocally()) && areOver(seenInLog()), { timeout: 60_000 })
    .toBe(true);

  const local = await seenLocally();
  const logged = seenInLog();

  expect(byId(logged)).toEqual(byId(local));
  expect(local.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
    ...["tasks.add ok", "tasks.add ok", "tasks.add ok"],
    ...["tasks.fail failed", "tasks.parent ok", "tasks.retry ok"],
  ]);
  for (const { id, args, kwargs } of local) {
    const texts = logged.find((task) => task.id === id)?.args.map(String) ?? [];
    expect(texts.map(parsePython)).toEqual([args, kwargs]);
  }
});
