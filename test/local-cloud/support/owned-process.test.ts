import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { OwnedProcess } from "../../../packages/local-cloud/support/owned-process.ts";
import { ROOT } from "../../support/sources.ts";
import { alive } from "../containers/_world.ts";

const env = { PATH: process.env.PATH ?? "" };

function start(script: string) {
  const lines: string[] = [];
  const process = new OwnedProcess({ program: "sh", args: ["-c", script], cwd: ".", env }, (line) =>
    lines.push(line),
  );
  return { process, lines };
}

describe("OwnedProcess", () => {
  test.each([
    ["exit 3", "exited with code 3"],
    ["kill -9 $$", "was killed by signal 9"],
    ["exec no-such-program", "was not found (code 127)"],
    ["echo one; printf two >&2", "exited with code 0"],
  ])("says how `%s` ended", async (script, ending) => {
    expect((await start(script).process.ended).text).toBe(ending);
  });

  test("gives every line, also the last without an end", async () => {
    const { process, lines } = start("echo one; sleep 0.1; printf two >&2");
    await process.ended;

    expect(lines.sort()).toEqual(["one", "two"]);
  });

  test("inherits nothing", async () => {
    const { process, lines } = start("env");
    await process.ended;

    expect(lines.filter((line) => !/^(PATH|PWD|OLDPWD|SHLVL|_)=/.test(line))).toEqual([]);
  });

  test("takes what the command has started along when it ends", async () => {
    const { process, lines } = start("sleep 1000 & echo $!");
    await process.ended;

    await expect.poll(() => alive(Number(lines[0]))).toBe(false);
  });

  test("stops gently, and by force what ignores that", async () => {
    const gentle = start("trap 'echo bye; exit 0' TERM; sleep 1000 & wait");
    const stubborn = start("trap '' TERM; echo up; while :; do sleep 1; done");
    while (stubborn.lines.length === 0) await sleep(10);

    await Promise.all([gentle.process.stop(), stubborn.process.stop(300)]);

    expect(await gentle.process.ended).toEqual({ code: 0, text: "exited with code 0" });
    expect(gentle.lines).toEqual(["bye"]);
    expect((await stubborn.process.ended).text).toBe("was killed by SIGKILL");
  });

  test("is stopped by the signal that ends it gently", async () => {
    const script = `process.on("SIGINT", () => process.exit(7)); setInterval(() => {}, 1000); console.log()`;
    const lines: string[] = [];
    const owned = new OwnedProcess(
      { program: process.execPath, args: ["-e", script], cwd: ".", env, stopSignal: "INT" },
      (line) => lines.push(line),
    );
    await expect.poll(() => lines).toHaveLength(1);

    await owned.stop();

    expect((await owned.ended).code).toBe(7);
  });

  test("ends when its owner is killed with SIGKILL, and so does what it has started", async () => {
    const owner = spawn("node", ["run.mjs", "test/local-cloud/support/_owner.ts"], {
      cwd: ROOT,
    });
    const [text] = await once(owner.stdout, "data");
    const pids = String(text).trim().split(" ").map(Number);
    expect(pids.map(alive)).toEqual([true, true]);

    owner.kill("SIGKILL");
    while (pids.some(alive)) await sleep(50);

    expect(pids.map(alive)).toEqual([false, false]);
  });
});
