import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { refuseDown, runOnce } from "../../../scripts/lib/local/once.ts";
import { Interrupted } from "../../../scripts/lib/shell/interrupt.ts";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import { ROOT } from "../../support/sources.ts";
import { fakeSystem } from "../_system.ts";

const system = fakeSystem({ root: ROOT, env: { PATH: process.env.PATH } });

const never = new AbortController().signal;

const line = (text: string, more: Record<string, string> = {}) => ({
  ...{ words: [text], shell: true, cwd: ROOT },
  env: { PATH: process.env.PATH, ...more },
});

test("fails when a container is down", () => {
  expect(() => refuseDown([])).not.toThrow();
  expect(() => refuseDown(["shop-web", "shop-worker"])).toThrow(
    "shop-web and shop-worker did not start, so the command was not run.",
  );
});

test("returns the exit code of a command line, which has the variables", async () => {
  expect(await runOnce(system, line('exit "$CODE"', { CODE: "7" }), never)).toBe(7);
});

test("runs the words of a command as they are", async () => {
  const command = { ...line(""), words: ["sh", "-c", 'test "$0" = "a  b"', "a  b"], shell: false };
  expect(await runOnce(system, command, never)).toBe(0);
});

test("names a program that is not there", async () => {
  const command = { ...line(""), words: ["no-such-program"], shell: false };
  const ended = runOnce(system, command, never);
  await expect(ended).rejects.toThrow(`no-such-program could not be run in ${ROOT}: spawn`);
  await expect(ended).rejects.toBeInstanceOf(UserError);
});

test("ends the command, and what it has started, when it is interrupted itself", async () => {
  const stop = new AbortController();
  const file = join(mkdtempSync(join(tmpdir(), "once-")), "pid");
  const code = runOnce(
    system,
    line('sleep 60 & echo $! > "$FILE"; wait', { FILE: file }),
    stop.signal,
  );
  while (!existsSync(file) || readFileSync(file, "utf8") === "") await sleep(20);
  stop.abort(new Interrupted("SIGINT"));

  expect(await code).toBe(130);
  while (isRunning(Number(readFileSync(file, "utf8")))) await sleep(20);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
