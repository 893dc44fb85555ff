import { describe, expect, test } from "vitest";
import { checkFlags, type LogFlags, readFlags } from "../../../scripts/lib/logs/logs.ts";
import { UsageError } from "../../../scripts/lib/shell/command-line.ts";
import type { DeployedApp } from "../../../scripts/lib/terraform/outputs.ts";

const NOW = Date.parse("2026-01-31T12:00:00Z");
const HOUR_MS = 3_600_000;

const app = {
  gateway: { id: "d5dgateway", domain: "x" },
  containers: {
    web: { id: "bbaweb" },
    worker: { id: "bbaworker" },
    "worker-mail": { id: "bbamail" },
  },
} as unknown as DeployedApp;

function flags(given: Partial<LogFlags> = {}): LogFlags {
  return {
    ...{ task: undefined, container: undefined, level: undefined, since: undefined },
    ...{ follow: false, platform: false, json: false, ...given },
  };
}

describe("what the flags ask for", () => {
  test("without any: all of the last hour", () => {
    expect(readFlags(app, flags(), NOW)).toEqual({ since: NOW - HOUR_MS, follow: false });
  });

  test("all of them", () => {
    const given = { task: 'a"b', container: "web", level: "Warn", since: "2h", follow: true };

    expect(readFlags(app, flags(given), NOW)).toEqual({
      ...{ since: NOW - 2 * HOUR_MS, follow: true, level: "warn", resources: ["bbaweb"] },
      filter: 'json_payload.task_id = "a\\"b"',
    });
  });

  test.each([
    ["worker", "bbaworker"],
    ["worker-mail", "bbamail"],
    ["mail", "bbamail"],
    ["gateway", "d5dgateway"],
  ])("container %s", (container, id) => {
    expect(readFlags(app, flags({ container }), NOW).resources).toEqual([id]);
  });

  test("a container that is not there: says which are", () => {
    expect(() => readFlags(app, flags({ container: "manage" }), NOW)).toThrow(
      new UsageError(
        '--container "manage" is not in this stage (known: web, worker, worker-mail, gateway).',
      ),
    );
  });

  test.each([
    [{ level: "loud" }, '--level takes trace, debug, info, warn, error, fatal (got "loud").'],
    [{ since: "yesterday" }, "--since takes 90s, 30m, 2h or 3d, or a time such as"],
  ])("%j is refused before anything is asked", (given, message) => {
    expect(() => checkFlags(flags(given), NOW)).toThrow(message);
  });

  test("what is right is not", () => {
    expect(() => checkFlags(flags({ level: "FATAL", since: "3d" }), NOW)).not.toThrow();
    expect(() => checkFlags(flags(), NOW)).not.toThrow();
  });
});
