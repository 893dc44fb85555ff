import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startControl } from "../../../packages/local-cloud/control/server.ts";
import type { Logged } from "../../../packages/local-cloud/events/event.ts";
import { EventStore } from "../../../packages/local-cloud/events/store.ts";
import type { Listening } from "../../../packages/local-cloud/support/listen.ts";
import { registerInstance } from "../../../scripts/lib/local/instances.ts";
import { type LocalLogFlags, printLocalLogs } from "../../../scripts/lib/local/logs.ts";
import { FakeSource } from "../../console/_source.ts";
import { fakeSystem } from "../_system.ts";

const NONE: LocalLogFlags = {
  ...{ task: undefined, container: undefined, level: undefined, since: undefined },
  ...{ follow: false, json: false },
};
const AT = new Date(2026, 10, 24, 12, 0, 1).getTime();

let now = AT;
let events: EventStore;
let control: Listening;
let root: string;

beforeEach(async () => {
  now = AT;
  events = new EventStore(() => now);
  const addresses = { site: "http://s", queue: "http://q", tables: "http://t" };
  control = await startControl({
    ...{ events, port: 0, run: "run1", source: new FakeSource() },
    ...{ timers: () => [], fire: async () => 200, peek: () => undefined },
    describe: () => ({
      ...{ run: "run1", addresses, environment: {}, project: "shop" },
      containers: [{ name: "shop-web" }, { name: "shop-worker" }],
    }),
  });
  root = mkdtempSync(join(tmpdir(), "logs-"));
  registerInstance(root, { pid: 7, run: "run1", control: control.url, site: "http://s" });
});
afterEach(() => control.close());

function log(message: string, fields: Partial<Logged> = {}): void {
  events.report({ type: "log", container: "shop-worker", level: "info", message, ...fields });
}

function start(flags: Partial<LocalLogFlags>) {
  const system = { ...fakeSystem({ root }), now: () => now, fetch };
  const stop = new AbortController();
  const end = printLocalLogs(system, { ...NONE, ...flags }, () => stop);
  return { system, stop, end };
}

async function linesOf(flags: Partial<LocalLogFlags> = {}): Promise<readonly string[]> {
  const { system, end } = start(flags);
  await end;
  return system.said;
}

test("prints what the containers have logged, in order", async () => {
  log("one");
  log("two", { container: "shop-web", level: "warning" });
  expect(await linesOf()).toEqual([
    "2026-11-24 12:00:01.000 worker INFO  one",
    "2026-11-24 12:00:01.000 web    WARN  two",
  ]);
});

test("prints only what is asked for", async () => {
  log("old");
  now += 7_200_000;
  log("of a task", { taskId: "t1" });
  log("loud", { level: "error" });
  log("warned", { level: "warning" });
  log("of the site", { container: "shop-web", level: "debug" });
  const messages = async (flags: Partial<LocalLogFlags>) =>
    (await linesOf({ ...flags, json: true })).map((line) => JSON.parse(line).message);

  expect(await messages({ task: "t1" })).toEqual(["of a task"]);
  expect(await messages({ level: "warn" })).toEqual(["loud", "warned"]);
  expect(await messages({ container: "web" })).toEqual(["of the site"]);
  expect(await messages({ container: "shop-web" })).toEqual(["of the site"]);
  expect(await messages({ since: "1h" })).not.toContain("old");
  const { system, end } = start({ task: "t2" });
  await end;
  expect(system.warned).toEqual(["No such line is kept."]);
});

test("goes on with what is logged from then on, each line once", async () => {
  log("before");
  const { system, stop, end } = start({ follow: true, level: "warn" });
  log("loud", { level: "error" });
  log("quiet");
  await expect.poll(() => system.said).toHaveLength(1);
  log("louder", { level: "error" });
  await expect.poll(() => system.said).toHaveLength(2);
  stop.abort();
  await end;
  expect(system.said.map((line) => line.split(" ").at(-1))).toEqual(["loud", "louder"]);
});

test.each([
  [{ level: "loud" }, "--level loud is no level. Levels: debug, info, warn, error."],
  [{ container: "db" }, 'Container "db" is not in the stack (known: web, worker).'],
])("refuses %j", async (flags, message) => {
  await expect(linesOf(flags)).rejects.toThrow(message);
});
