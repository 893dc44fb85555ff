import { mkdirSync, mkdtempSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Fact } from "../../../packages/task-history/fact.ts";
import { renderRun } from "../../../packages/task-history/saved-run.ts";
import { findInstances, registerInstance } from "../../../scripts/lib/local/instances.ts";
import { LOCAL_DIRECTORY } from "../../../scripts/lib/local/paths.ts";
import { printEnvironment, printTask, printTasks } from "../../../scripts/lib/local/queries.ts";
import { synthesize } from "../../local-cloud/stack/_synthesized.ts";
import { type Answer, fakeSystem } from "../_system.ts";

const CONTROL = "http://localhost:4510";
const INSTANCE = { pid: 7, run: "run1", control: CONTROL, site: "http://localhost:8000" };
const CLOUD = {
  addresses: {
    site: INSTANCE.site,
    queue: "http://localhost:9324",
    tables: "http://localhost:8001",
  },
  environment: { CELERY_APP: "shop.celery:app" },
};
const TASK = { id: "t", name: "shop.pay", state: "ok", args: [7], kwargs: {}, attempts: [] };

const FACTS: readonly Fact[] = [
  {
    ...{ id: "f1", at: 1000, kind: "sent", messageId: "m1", delaySeconds: 60 },
    task: { id: "t1", name: "shop.pay", args: [7], kwargs: {}, retries: 0 },
  },
];

/** A folder in which a local cloud runs that answers these paths. */
function running(answers: Readonly<Record<string, Answer>>) {
  const root = newRoot();
  registerInstance(root, INSTANCE);
  const routes = Object.entries(answers).map(([path, answer]) => [`GET ${CONTROL}${path}`, answer]);
  const cloud = { [`GET ${CONTROL}/api/cloud`]: { body: { run: "run1", ...CLOUD } } };
  return {
    root,
    system: fakeSystem({ root, routes: { ...cloud, ...Object.fromEntries(routes) } }),
  };
}

function newRoot(): string {
  return mkdtempSync(join(tmpdir(), "queries-"));
}

test("finds those that answer, and clears away what a killed one has left", async () => {
  const root = newRoot();
  registerInstance(root, INSTANCE);
  registerInstance(root, { ...INSTANCE, pid: 8, run: "run0" });
  const system = fakeSystem({
    root,
    routes: { [`GET ${CONTROL}/api/cloud`]: { body: { run: "run1", ...CLOUD } } },
  });

  expect(await findInstances(system)).toEqual([{ ...INSTANCE, ...CLOUD }]);
  expect(await findInstances(fakeSystem({ root }))).toEqual([]);
  expect(await findInstances(system)).toEqual([]);
});

test("finds the one that was started last first", async () => {
  const root = newRoot();
  const routes = Object.fromEntries(
    [1, 2, 3].map((pid) => [
      `GET ${CONTROL}${pid}/api/cloud`,
      { body: { run: `run${pid}`, ...CLOUD } },
    ]),
  );
  for (const [pid, minute] of [
    [1, 20],
    [2, 30],
    [3, 10],
  ] as const) {
    registerInstance(root, { ...INSTANCE, pid, run: `run${pid}`, control: `${CONTROL}${pid}` });
    utimesSync(join(root, LOCAL_DIRECTORY, "running", `${pid}.json`), minute, minute);
  }

  const found = await findInstances(fakeSystem({ root, routes }));
  expect(found.map(({ pid }) => pid)).toEqual([2, 1, 3]);
});

test("an instance that has ended is not found", async () => {
  const root = newRoot();
  registerInstance(root, INSTANCE)();

  expect(await findInstances(fakeSystem({ root }))).toEqual([]);
});

test.each([
  [{ failed: false, json: false }, "", / ok +shop\.pay +7 +t$/],
  [{ failed: true, json: true }, "?failed=1", /^\{"id":"t",/],
])("lists tasks with %j", async (flags, query, line) => {
  const root = newRoot();
  registerInstance(root, INSTANCE);
  const routes = {
    [`GET ${CONTROL}/api/cloud`]: { body: { run: "run1", ...CLOUD } },
    [`GET ${CONTROL}/api/tasks${query}`]: { body: { tasks: [TASK] } },
  };
  const system = fakeSystem({ root, routes });

  await printTasks(system, flags);

  expect(system.said).toEqual([expect.stringMatching(line)]);
});

test("fails when no local cloud runs here", async () => {
  await expect(
    printTasks(fakeSystem({ root: newRoot() }), { failed: false, json: false }),
  ).rejects.toThrow("No local cloud runs in this folder. Start one: npm run local");
});

test("of tasks only those are asked for in whose name a part is", async () => {
  const { system } = running({ "/api/tasks?name=pay": { body: { tasks: [TASK] } } });
  await printTasks(system, { failed: false, name: "pay", json: true });
  expect(system.said).toHaveLength(1);
});

test("a run is saved for its owner, and opened again as it was", async () => {
  const text = [...renderRun(FACTS, 5000)].join("");
  const { root, system } = running({ "/api/run": { body: text } });
  await printTasks(system, { failed: false, json: false, save: "run.jsonl" });
  expect(system.said).toEqual(["Saved in run.jsonl. It holds arguments and results of tasks."]);
  expect(statSync(join(root, "run.jsonl")).mode & 0o777).toBe(0o600);

  const alone = fakeSystem({ root });
  await printTasks(alone, { failed: false, json: false, open: "run.jsonl" });
  await printTasks(alone, { failed: true, json: true, open: "run.jsonl" });
  await printTask(alone, { json: false, open: "run.jsonl" }, ["t1"]);
  expect(alone.said.slice(0, 3)).toEqual([
    expect.stringMatching(/delayed +shop\.pay +7 +t1 due /),
    "shop.pay  t1",
    expect.stringMatching(/^ {2}state {6}delayed, due /),
  ]);
  expect(alone.warned).toEqual(["No task has failed."]);
});

test("a task is told whole, with those that descend from the same", async () => {
  const family = [
    { ...TASK, id: "a", rootId: "a" },
    { ...TASK, id: "b", name: "shop.mail", rootId: "a", parentId: "a" },
  ].map((one) => ({ ...one, waits: [], log: [] }));
  const { system } = running({ "/api/tasks": { body: { tasks: family } } });

  await printTask(system, { json: false }, ["a"]);
  await printTask(system, { json: true }, ["b"]);

  expect(system.said).toContain("      shop.mail  ok  b");
  expect(JSON.parse(system.said.at(-1) ?? "")).toMatchObject({ id: "b", family: ["a", "b"] });
});

test.each([
  [[], "Write the id of one task: npm run local -- task <id>."],
  [["a", "b"], "Write the id of one task: npm run local -- task <id>."],
])("of words %j no task is told", async (words, message) => {
  await expect(printTask(fakeSystem({ root: newRoot() }), { json: false }, words)).rejects.toThrow(
    message,
  );
});

test("what is no saved run is refused", async () => {
  const root = newRoot();
  writeFileSync(join(root, "notes.txt"), "hello\n");
  const open = (file: string) =>
    printTasks(fakeSystem({ root }), { failed: false, json: false, open: file });

  await expect(open("notes.txt")).rejects.toThrow(
    "notes.txt cannot be opened: it is not a saved run. Write one with npm run local -- tasks --save notes.txt.",
  );
  await expect(open("missing")).rejects.toThrow(
    "missing cannot be opened: it cannot be read (ENOENT)",
  );
});

test("what is opened is not saved", async () => {
  const flags = { failed: false, json: false, open: "a", save: "b" };
  await expect(printTasks(fakeSystem({ root: newRoot() }), flags)).rejects.toThrow(
    "--save and --open exclude each other.",
  );
});

test("prints the variables of the usual ports when none runs", async () => {
  const root = newRoot();
  const stack = join(root, "cdktf.out", "stacks", "app");
  for (const folder of [stack, join(root, "stacks"), join(root, "constructs")]) {
    mkdirSync(folder, { recursive: true });
  }
  for (const file of ["config.ts", "main.ts"]) writeFileSync(join(root, file), "");
  writeFileSync(join(stack, "cdk.tf.json"), await synthesize());
  const system = fakeSystem({ root });

  await printEnvironment(system, { stage: undefined });

  expect(system.said.join("\n")).toContain("export AWS_ENDPOINT_URL_SQS=http://localhost:9324");
  expect(system.warned.join("\n")).toContain("No local cloud runs in this folder");
});
