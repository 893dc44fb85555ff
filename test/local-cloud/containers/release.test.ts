import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeContainers, SPEC } from "./_world.ts";

/** Writes down its words and its environment, and fails if a file says so. */
const SCRIPT = `
import os, pathlib, sys
here = pathlib.Path(os.environ["HERE"])
with open(here / "ran", "a") as ran:
    print(*sys.argv[1:], os.environ["COLOUR"], len(os.environ["KEY"]), sys.stdin.read(), file=ran)
print("working")
print("broken", file=sys.stderr)
sys.exit(3 if (here / "fail").exists() else 0)
`;

function world() {
  const here = mkdtempSync(join(tmpdir(), "release-"));
  const container = {
    ...SPEC,
    name: "shop-manage",
    command: ["python", "-c", SCRIPT],
    environment: { HERE: here, COLOUR: "red" },
    secrets: ["KEY"],
  };
  const release = { container, words: ["migrate", "--noinput"], field: "release" as const };
  return {
    ...makeContainers([{}], { releases: [release, { ...release, words: ["then"] }] }),
    ran: () => readFileSync(join(here, "ran"), "utf8"),
    fail: () => writeFileSync(join(here, "fail"), ""),
  };
}

const FAILED =
  "working\nbroken\n`manage.py migrate --noinput` failed (exit code 3). The containers stay as they were. Fix it, or change 'release' in config.ts.";
const ONCE = "migrate --noinput red 50 \nthen red 50 \n";

test("runs before the containers start, and again before they restart", async () => {
  const { containers, happenings, ran } = world();

  await containers.start();
  expect(ran()).toBe(ONCE);
  expect(containers.states).toMatchObject([{ name: "shop-web", state: "ready" }]);
  await containers.restart();

  expect(ran()).toBe(ONCE + ONCE);
  expect(JSON.stringify(happenings)).not.toContain("shop-manage");
});

test("one that fails is told with its output, and starts nothing", async () => {
  const { containers, fail, happenings } = world();
  fail();

  await expect(containers.start()).rejects.toThrow(new Error(FAILED));
  expect(happenings.filter((one) => one.type === "container" && one.state === "starting")).toEqual(
    [],
  );
});

test("one that fails later leaves running what runs", async () => {
  const { containers, fail } = world();
  await containers.start();
  const [before] = containers.states;
  fail();

  await expect(containers.restart()).rejects.toThrow(new Error(FAILED));
  expect(containers.states).toMatchObject([{ state: "ready", pid: before?.pid }]);
});

test("has to fit into the platform's limit, as the others", async () => {
  const release = {
    container: { ...SPEC, name: "shop-manage", environment: { LONG: "x".repeat(5000) } },
    words: ["migrate"],
    field: "release" as const,
  };
  const { containers } = makeContainers([{}], { releases: [release] });

  await expect(containers.start()).rejects.toThrow("Container shop-manage: its environment has");
});
