import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Construct } from "constructs";
import { afterAll, describe, expect, test } from "vitest";
import { readSchedule, type ScheduledTimer } from "../../constructs/schedule.ts";
import { refusals } from "../support/synth.ts";

const NIGHTLY = { name: "nightly", cron: "0 3 * * ? *", payload: '{"task":"shop.clean"}' };
const HOURLY = { name: "hourly", cron: "0 * * * ? *", payload: "" };
const AGAIN = "Write the file again with the worker package of this project";
const folder = mkdtempSync(join(tmpdir(), "schedule-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The timers of a file with this text, and what is refused. */
function readText(text: string) {
  const path = join(folder, "s.json");
  writeFileSync(path, text);
  let timers: readonly ScheduledTimer[] = [];
  const messages = refusals((scope) => {
    timers = readSchedule(new Construct(scope, "Shop"), path);
  });
  return { timers, messages: messages.map((message) => message.replace(path, "s.json")) };
}

describe("readSchedule", () => {
  test("gives the timers of the file, and nothing else of it", () => {
    const timers = [{ ...NIGHTLY, note: "x" }, HOURLY];

    expect(readText(JSON.stringify({ version: 1, timers, by: "us" }))).toEqual({
      timers: [NIGHTLY, HOURLY],
      messages: [],
    });
  });

  test("asks the database each minute, whatever files there are", () => {
    let timers: readonly ScheduledTimer[] = [];
    const messages = refusals((scope) => {
      timers = readSchedule(new Construct(scope, "Shop"), "database");
    });

    expect(messages).toEqual([]);
    expect(timers).toEqual([
      { name: "schedule", cron: "* * * * ? *", payload: '{"schedule":"database"}' },
    ]);
  });

  test("gives no timers where there are none", () => {
    expect(readText('{"version":1,"timers":[]}')).toEqual({ timers: [], messages: [] });
  });

  test("tells all problems at once, and gives no timers", () => {
    const timers = [NIGHTLY, { ...HOURLY, cron: "@daily" }, { ...HOURLY, name: "Hourly" }];

    expect(readText(JSON.stringify({ version: 1, timers }))).toEqual({
      timers: [],
      messages: [
        "[app/Shop] 's.json: hourly.cron' is \"@daily\", allowed: minutes hours day-of-month month day-of-week [year], in UTC. Write five fields and an optional year, not 1.",
        "[app/Shop] 's.json: Hourly.name' is \"Hourly\", allowed: lowercase letters, digits and hyphens, no hyphen first or last. Rename the entry.",
      ],
    });
  });

  test.each<[string, string, string[]]>([
    ["what is not JSON", "{", [`'s.json: the file' is null, allowed: Object. ${AGAIN}.`]],
    [
      "another version",
      '{"version":2,"timers":[]}',
      [`'s.json: version' is 2, allowed: 1. ${AGAIN}.`],
    ],
    [
      "timers that are not a list",
      '{"version":1,"timers":{}}',
      [`'s.json: timers' is {}, allowed: Array. ${AGAIN}.`],
    ],
    [
      "an entry that is not a timer",
      '{"version":1,"timers":[{"name":"a","cron":"0 3 * * ? *"}]}',
      [`'s.json: timers.0.payload' is null, allowed: "payload". ${AGAIN}.`],
    ],
    [
      "a name that comes twice",
      JSON.stringify({ version: 1, timers: [NIGHTLY, NIGHTLY] }),
      [
        "'s.json: timers.1.name' is \"nightly\", allowed: each name once. Rename one of the entries.",
      ],
    ],
    [
      "a name with a dot",
      JSON.stringify({ version: 1, timers: [{ ...NIGHTLY, name: "shop.clean" }] }),
      [
        "'s.json: shop.clean.name' is \"shop.clean\", allowed: lowercase letters, digits and hyphens, no hyphen first or last. Rename the entry.",
      ],
    ],
    [
      "a payload of 4097 characters",
      JSON.stringify({ version: 1, timers: [{ ...NIGHTLY, payload: "x".repeat(4097) }] }),
      [
        `'s.json: nightly.payload' is "${"x".repeat(20)}…", allowed: up to 4096 characters, and it has 4097. Put what is longer in the database or a bucket, and pass its address.`,
      ],
    ],
  ])("rejects %s", (_, text, problems) => {
    expect(readText(text).messages).toEqual(problems.map((problem) => `[app/Shop] ${problem}`));
  });

  test("rejects a file that is missing", () => {
    const messages = refusals((scope) => {
      expect(readSchedule(new Construct(scope, "Shop"), "none.json")).toEqual([]);
    });

    expect(messages).toEqual([
      "[app/Shop] 'schedule' is \"none.json\", allowed: a file that can be read. Write it: python -m celery_push_worker schedule -o none.json.",
    ]);
  });
});
