import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockOwner, tryLock, waitForLock } from "../../../packages/local-cloud/support/lock.ts";

let directory = "";
let file = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lock-"));
  file = join(directory, "a.lock");
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test("one owner at a time", () => {
  const unlock = tryLock(file);
  expect(lockOwner(file)).toBe(process.pid);
  expect(tryLock(file)).toBeUndefined();
  unlock?.();
  expect(existsSync(file)).toBe(false);
  tryLock(file)?.();
});

test("the lock of a process that lives is respected", () => {
  writeFileSync(file, String(process.ppid));
  expect(tryLock(file)).toBeUndefined();
  expect(readFileSync(file, "utf8")).toBe(String(process.ppid));
});

test("the lock of a process that has died is taken over", () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  writeFileSync(file, String(pid));
  expect(tryLock(file)).toBeDefined();
  expect(lockOwner(file)).toBe(process.pid);
});

test("the lock of an earlier process with the same id is taken over", () => {
  writeFileSync(file, String(process.pid));
  expect(tryLock(file)).toBeDefined();
});

test("an empty lock is just being made, unless it is old", () => {
  writeFileSync(file, "");
  expect(tryLock(file)).toBeUndefined();
  const old = new Date(Date.now() - 2000);
  utimesSync(file, old, old);
  expect(tryLock(file)).toBeDefined();
});

test("whoever waits gets it when it is given back, and says once that it waits", async () => {
  const unlock = tryLock(file);
  let said = 0;
  const waiting = waitForLock(file, { onWait: () => said++ });
  unlock?.();
  (await waiting)();
  expect(said).toBe(1);
});

test("whoever is told to stop waits no longer", async () => {
  tryLock(file);
  const controller = new AbortController();
  const waiting = waitForLock(file, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toThrow(/abort/i);
});

test("a folder that cannot be written says so", () => {
  expect(() => tryLock(join(directory, "missing", "a.lock"))).toThrow("ENOENT");
});
