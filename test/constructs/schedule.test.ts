import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Construct } from "constructs";
import { afterAll, describe, expect, test } from "vitest";
import { parseSchedule, readSchedule, scheduleProblems } from "../../constructs/schedule.ts";
import { refusals } from "../support/synth.ts";

const NIGHTLY = { name: "nightly", cron: "0 3 * * ? *", payload: '{"task":"shop.clean"}' };
const HOURLY = { name: "hourly", cron: "0 * * * ? *", payload: "" };
const ANEW = "Write the file anew with the worker package of this project";

describe("parseSchedule", () => {
  test("gives the timers of the file, and nothing else of it", () => {
    const text = JSON.stringify({
      version: 1,
      timers: [{ ...NIGHTLY, note: "x" }, HOURLY],
      by: "us",
    });

    expect(parseSchedule(text, "schedule.json")).toEqual([NIGHTLY, HOURLY]);
  });

  test("gives no timers where there are none", () => {
    expect(parseSchedule('{"version":1,"timers":[]}', "schedule.json")).toEqual([]);
  });

  test("throws with all problems at once", () => {
    const timers = [
      { ...NIGHTLY, cron: "@daily" },
      { ...HOURLY, name: "Hourly" },
    ];

    expect(() => parseSchedule(JSON.stringify({ version: 1, timers }), "s.json")).toThrow(
      [
        "'s.json: nightly.cron' is \"@daily\", allowed: minutes hours day-of-month month day-of-week [year], in UTC. Write five fields and an optional year, not 1.",
        "'s.json: Hourly.name' is \"Hourly\", allowed: lowercase letters, digits and hyphens, no hyphen first or last. Rename the entry.",
      ].join("\n"),
    );
  });

  test.each<[string, string, string[]]>([
    [
      "what is no JSON",
      "{",
      [
        `'s.json: version' is null, allowed: 1, in a JSON object. ${ANEW}.`,
        `'s.json: timers' is null, allowed: a list. ${ANEW}.`,
      ],
    ],
    [
      "another version",
      '{"version":2,"timers":[]}',
      [`'s.json: version' is 2, allowed: 1, in a JSON object. ${ANEW}.`],
    ],
    [
      "timers that are no list",
      '{"version":1,"timers":{}}',
      [`'s.json: timers' is {}, allowed: a list. ${ANEW}.`],
    ],
    [
      "an entry that is no timer",
      '{"version":1,"timers":[{"name":"a","cron":"0 3 * * ? *"}]}',
      [
        `'s.json: timers[0]' is {"name":"a","cron":"0 3 * * ? *"}, allowed: an object with the texts name, cron and payload. ${ANEW}.`,
      ],
    ],
    [
      "a name that comes twice",
      JSON.stringify({ version: 1, timers: [NIGHTLY, NIGHTLY] }),
      [
        "'s.json: timers[1].name' is \"nightly\", allowed: each name once. Rename one of the entries.",
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
        `'s.json: nightly.payload' is "${"x".repeat(20)}…", allowed: up to 4096 characters, and it has 4097. Put what is longer in the database or a bucket, and name its place.`,
      ],
    ],
  ])("refuses %s", (_, text, problems) => {
    expect(scheduleProblems(text, "s.json")).toEqual(problems);
  });
});

describe("readSchedule", () => {
  const folder = mkdtempSync(join(tmpdir(), "schedule-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("reads the file", () => {
    const path = join(folder, "good.json");
    writeFileSync(path, JSON.stringify({ version: 1, timers: [NIGHTLY] }));

    const messages = refusals((scope) => {
      expect(readSchedule(scope, path)).toEqual([NIGHTLY]);
    });

    expect(messages).toEqual([]);
  });

  test("refuses a file with problems at the construct that reads it, and gives no timers", () => {
    const path = join(folder, "bad.json");
    writeFileSync(path, JSON.stringify({ version: 1, timers: [NIGHTLY, { ...HOURLY, cron: "" }] }));

    const messages = refusals((scope) => {
      expect(readSchedule(new Construct(scope, "Shop"), path)).toEqual([]);
    });

    expect(messages).toEqual([
      `[app/Shop] '${path}: hourly.cron' is "", allowed: minutes hours day-of-month month day-of-week [year], in UTC. Write five fields and an optional year, not 1.`,
    ]);
  });

  test("refuses a file that is missing", () => {
    const messages = refusals((scope) => {
      expect(readSchedule(new Construct(scope, "Shop"), "none.json")).toEqual([]);
    });

    expect(messages).toEqual([
      "[app/Shop] 'schedule' is \"none.json\", allowed: a file that can be read. Write it: python -m celery_push_worker schedule -o none.json.",
    ]);
  });
});
