import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "./support/sources.ts";

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "run-"));
});

afterAll(() => rmSync(dir, { recursive: true }));

test("shows warnings but the one that the framework's own code causes", () => {
  const entry = join(dir, "warn.ts");
  writeFileSync(
    entry,
    `process.emitWarning("util.isArray is old", "DeprecationWarning", "DEP0044");
process.emitWarning("look here", "DeprecationWarning", "DEP9999");
console.log("done" as string);`,
  );

  const { status, stdout, stderr } = run(ROOT, entry);

  expect({ status, stdout }).toEqual({ status: 0, stdout: "done\n" });
  expect(stderr).toContain("[DEP9999] DeprecationWarning: look here");
  expect(stderr).not.toContain("DEP0044");
});

test.each([
  ["18.20.4", 1],
  ["20.18.0", 1],
  ["20.18.1", 0],
  ["22.0.0", 0],
])("with Node %s exits with %i, and one line where that is too old", (node, code) => {
  const entry = join(dir, "empty.ts");
  writeFileSync(entry, "");
  const versions = `{ ...process.versions, node: ${JSON.stringify(node)} }`;
  const pretend = `Object.defineProperty(process, "versions", { value: ${versions} })`;

  const { status, stderr } = run(ROOT, entry, [
    `--import=data:text/javascript,${encodeURIComponent(pretend)}`,
  ]);

  expect({ status, stderr }).toEqual({
    status: code,
    stderr: code === 0 ? "" : `Node is ${node}. Install 20.18.1 or newer (https://nodejs.org).\n`,
  });
});

test("names the directory that must be writable", () => {
  const project = join(dir, "project");
  mkdirSync(join(project, "node_modules"), { recursive: true });
  for (const file of ["run.mjs", "package.json"]) cpSync(join(ROOT, file), join(project, file));
  symlinkSync(join(ROOT, "node_modules/esbuild"), join(project, "node_modules/esbuild"));
  writeFileSync(join(project, "main.ts"), "");
  // Neither root nor anybody else can make a directory in a file.
  writeFileSync(join(project, "node_modules/.cache"), "");

  const { status, stderr } = run(project, "main.ts");

  expect(status).toBe(1);
  expect(stderr).toBe(
    `${join(project, "node_modules/.cache/run")} must be writable: the bundled sources go there (ENOTDIR).\n`,
  );
});

test("gives esbuild, which stays, none of the shell's variables but the few it needs", () => {
  const entry = join(dir, "tell.ts");
  writeFileSync(entry, "console.log(process.env.SECRET)");
  const seen = join(dir, "environment.txt");
  const esbuild = join(dir, "esbuild");
  const real = createRequire(import.meta.url).resolve("esbuild/bin/esbuild");
  writeFileSync(esbuild, `#!/bin/sh\nenv > '${seen}'\nexec '${real}' "$@"\n`, { mode: 0o755 });

  const { stdout } = run(ROOT, entry, [], { SECRET: "s3cret", ESBUILD_BINARY_PATH: esbuild });

  expect(stdout).toBe("s3cret\n");
  expect(readFileSync(seen, "utf8")).toContain("PATH=");
  expect(readFileSync(seen, "utf8")).not.toContain("s3cret");
});

function run(
  project: string,
  entry: string,
  options: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
) {
  return spawnSync(process.execPath, [...options, join(project, "run.mjs"), entry], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}
