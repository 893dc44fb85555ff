import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commitOf, commitTag, findCommit } from "../../../scripts/lib/image/commit.ts";
import { realSystem } from "../../../scripts/lib/shell/real-system.ts";
import { NOT_FOUND } from "../../../scripts/lib/shell/system.ts";
import { fakeSystem } from "../_system.ts";

const IDENTITY = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];

function repository(): { readonly root: string; git: (...args: string[]) => string } {
  const root = mkdtempSync(join(tmpdir(), "commit-"));
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", root, ...IDENTITY, ...args], { encoding: "utf8" }).trim();
  mkdirSync(join(root, "site"));
  mkdirSync(join(root, "docs"));
  writeFileSync(join(root, "site", "app.py"), "1\n");
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "--message", "first");
  return { root, git };
}

describe("findCommit", () => {
  test("names the commit of a folder, and whether files of it are not committed", async () => {
    const { root, git } = repository();
    const system = { ...realSystem(), root };
    const commit = git("rev-parse", "HEAD").slice(0, 12);

    expect(await findCommit(system, "site")).toBe(commit);
    writeFileSync(join(root, "docs", "new.md"), "elsewhere\n");
    expect(await findCommit(system, "site")).toBe(commit);
    writeFileSync(join(root, "site", "new.py"), "2\n");
    expect(await findCommit(system, "site")).toBe(`${commit}-dirty`);
  });

  test.each([
    ["outside of a repository", { exitCode: 128 }],
    ["without git", { exitCode: NOT_FOUND }],
    ["where git says something else", { stdout: "HEAD\n" }],
  ])("knows none %s", async (_, answer) => {
    const system = fakeSystem({
      root: "/shop",
      commands: { "git -C /shop/site rev-parse --short=12 HEAD": answer },
    });

    expect(await findCommit(system, "site")).toBeUndefined();
  });
});

test.each(["0123456789ab", "0123456789ab-dirty"])("a tag tells its commit again: %s", (commit) => {
  const tag = commitTag(commit, "0123456789abcdef-20260102030405");

  expect(tag).toMatch(/^[\w][\w.-]{0,127}$/);
  expect(commitOf(["0123456789abcdef", tag])).toBe(commit);
});

test("other tags tell none", () => {
  expect(commitOf(["commit-", "latest", "commit-xyz-1", "my-commit-0123456789ab-1"])).toBe(
    undefined,
  );
});
