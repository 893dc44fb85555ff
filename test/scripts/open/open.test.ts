import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { registerInstance } from "../../../scripts/lib/local/instances.ts";
import { lastingAccess, openPage, parsePort } from "../../../scripts/lib/open/open.ts";
import { fakeSystem } from "../_system.ts";

const CONTROL = "http://localhost:4510";
const FLAGS = { stage: undefined, act: false, since: undefined, port: undefined, browser: false };

test("a local cloud that runs here is named where no stage is", async () => {
  const root = mkdtempSync(join(tmpdir(), "open-"));
  const urls = { site: "http://localhost:8000", queue: "http://q", tables: "http://t" };
  const body = { run: "r1", addresses: urls, environment: {} };
  const system = fakeSystem({ root, routes: { [`GET ${CONTROL}/api/cloud`]: { body } } });
  registerInstance(root, { pid: process.pid, run: "r1", control: CONTROL, site: urls.site });

  await openPage(system, FLAGS);

  expect(system.said).toEqual([`${CONTROL}/`]);
  expect(system.warned).toEqual([
    "This is the page of the local cloud that runs here. --stage opens a stage's.",
  ]);
});

test.each([
  [undefined, 4520],
  ["0", 0],
  ["65535", 65_535],
])("--port %s is %i", (text, port) => expect(parsePort(text)).toBe(port));

test.each(["65536", "-1", "x", "1e3", "80.5"])("--port %s is refused", (text) => {
  expect(() => parsePort(text)).toThrow(`--port takes 0 to 65535, 0 for any (got "${text}").`);
});

test("a wrong time is refused before anybody is asked for anything", async () => {
  const system = fakeSystem();
  await expect(openPage(system, { ...FLAGS, since: "yesterday" })).rejects.toThrow("--since takes");
  expect([...system.ran, ...system.sent]).toEqual([]);
});

test("a token is asked for again before it is too old, one that was given is not", async () => {
  const system = fakeSystem({ commands: { "yc iam create-token --no-browser": "t1.token" } });
  const access = lastingAccess(system);
  for (const pause of [0, 30 * 60_000, 31 * 60_000]) {
    await system.sleep(pause);
    expect(await access.token()).toBe("t1.token");
  }
  expect(system.ran).toHaveLength(2);

  const given = fakeSystem({ env: { YC_TOKEN: "t1.given" } });
  expect(lastingAccess(given).given).toBe(true);
  expect(await lastingAccess(given).token()).toBe("t1.given");
});
