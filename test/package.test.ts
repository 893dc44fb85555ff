import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./support/sources.ts";

interface Locked {
  readonly resolved?: string;
  readonly link?: boolean;
}

test("npm ci has nothing to warn of", () => {
  const args = ["ci", "--dry-run", "--offline", "--loglevel=warn"];
  const { status, stderr } = spawnSync("npm", args, { cwd: ROOT, encoding: "utf8" });

  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test("the lock file names no address, so that every registry serves it", () => {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));

  const packages = Object.entries(lock.packages as Record<string, Locked>);
  const withAddress = packages.filter(([, { resolved, link }]) => resolved && !link);
  expect(withAddress.map(([name]) => name)).toEqual([]);
});
