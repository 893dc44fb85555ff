import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import { realSystem } from "../../../scripts/lib/shell/real-system.ts";
import { logFile, pruneLogs } from "../../../scripts/lib/shell/run-logs.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stage-"));
});

afterEach(() => rmSync(root, { recursive: true }));

describe("logs", () => {
  test("are those of one run: two at once share no file", () => {
    expect(logFile({ runId: "1" }, undefined, "apply-app")).toBe(
      ".state/default/log/1/apply-app.log",
    );
    expect(realSystem().runId).toMatch(new RegExp(`^20\\d{12}-${process.pid}$`));
  });

  test("of the last twenty runs are kept", () => {
    const runs = Array.from({ length: 23 }, (_, index) => `run-${10 + index}`);
    for (const run of runs) mkdirSync(join(root, ".state/default/log", run), { recursive: true });

    pruneLogs({ root }, undefined);
    pruneLogs({ root }, "never-deployed");

    expect(readdirSync(join(root, ".state/default/log")).sort()).toEqual(runs.slice(3));
  });
});

test("writeWhole replaces a file and leaves nothing else", () => {
  const file = join(root, "a.json");
  writeWhole(file, "one");
  const { ino } = statSync(file);
  writeWhole(file, "two");

  expect(readFileSync(file, "utf8")).toBe("two");
  // Another file under the same name: whoever reads the old one reads it whole.
  expect(statSync(file).ino).not.toBe(ino);
  expect(readdirSync(root)).toEqual(["a.json"]);
});
