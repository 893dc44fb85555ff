import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { ROOT } from "../../support/sources.ts";

const TALKATIVE = `"${process.execPath}" run.mjs test/scripts/_talkative.ts`;

test("a command whose reader has seen enough ends quietly", () => {
  const shell = ["-o", "pipefail", "-c", `${TALKATIVE} | head -1`];
  const { stdout, stderr, status } = spawnSync("bash", shell, { cwd: ROOT, encoding: "utf8" });
  expect({ lines: stdout.split("\n").length, stderr, status }).toEqual({
    ...{ lines: 2, stderr: "", status: 0 },
  });
});

test("one that is read says all", () => {
  const said = execFileSync("bash", ["-c", TALKATIVE], {
    ...{ cwd: ROOT, encoding: "utf8", maxBuffer: 2 ** 24 },
  });
  expect(said.split("\n")).toHaveLength(20_002);
});
