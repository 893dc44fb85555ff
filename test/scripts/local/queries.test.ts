import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findInstances, registerInstance } from "../../../scripts/lib/local/instances.ts";
import { printEnvironment, printTasks } from "../../../scripts/lib/local/queries.ts";
import { synthesize } from "../../local-cloud/stack/_synthesized.ts";
import { fakeSystem } from "../_system.ts";

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
