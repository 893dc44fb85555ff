import { describe, expect, test } from "vitest";
import {
  findLocation,
  formatArguments,
  queueNames,
} from "../../../../packages/console/task-text.ts";
import type { CloudEvent, Happening } from "../../../../packages/local-cloud/events/event.ts";
import { harmless } from "../../../../packages/local-cloud/support/harmless.ts";
import { formatJson } from "../../../../packages/local-cloud/support/json.ts";
import type { Outcome, TaskRecord } from "../../../../packages/task-history/task-record.ts";
import { describeEvent } from "../../../../scripts/lib/local/terminal/event-lines.ts";
import { formatHeader, type StartupInfo } from "../../../../scripts/lib/local/terminal/header.ts";
import { formatOutcome } from "../../../../scripts/lib/local/terminal/outcome-lines.ts";
import { coloured, formatDuration, plain } from "../../../../scripts/lib/shell/style.ts";
import { formatTask } from "../../../../scripts/lib/tasks/task-lines.ts";

// Half past midnight, wherever this runs.
const AT = new Date(2026, 10, 24, 0, 30, 1).getTime();

const INFO: StartupInfo = {
  project: "shop",
  urls: {
    control: "http://localhost:4510",
    site: "http://localhost:8000",
    queue: "http://localhost:9324",
    tables: "http://localhost:8001",
  },
  moved: [],
  skipped: [],
};

const TASK: TaskRecord = {
  id: "3f2c",
  name: "shop.charge",
  args: [77],
  kwargs: { user: { id: 8 } },
  queue: "shop-tasks",
  state: "ok",
  publishedAt: AT - 30_700,
  changedAt: AT,
  attempts: [
    { number: 1, messageId: "m", delivery: 1, by: "trigger", startedAt: AT - 300, endedAt: AT },
  ],
  waits: [],
  log: [],
};
const [FIRST] = TASK.attempts;

const CONTEXT = {
  paint: plain,
  roots: ["/home/me/shop"],
  deliveries: new Map([["shop-tasks", 10]]),
  queues: new Map([["shop-tasks-heavy", "heavy"]]),
  logs: true,
};

function outcome(word: Outcome["word"], attempt: number | undefined = 1): Outcome {
  return { at: AT, taskId: TASK.id, word, attempt };
}

/** Control characters of both sets, ends of lines, what turns the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const HARMFUL = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

describe("formatHeader", () => {
  test("names the database and the files where there are any", () => {
    const further = { postgres: "127.0.0.1:5432", storage: "http://localhost:9000" };
    const urls = { ...INFO.urls, ...further };

    expect(formatHeader({ ...INFO, urls }, plain, false).slice(3)).toEqual([
      "  Database 127.0.0.1:5432     Files    http://localhost:9000",
    ]);
  });

  test("begins with the addresses", () => {
    expect(formatHeader(INFO, plain, false)).toEqual([
      "  Console  http://localhost:4510                        shop, in memory; --data DIR keeps it",
      "  App      http://localhost:8000",
      "  Queue    http://localhost:9324     Table  http://localhost:8001     clients: npm run local -- env",
    ]);
  });

  test("has eight lines at most, whatever there is to say", () => {
    const other = { pid: 7, site: "http://localhost:8000" };
    const skipped = Array.from({ length: 40 }, (_, index) => `yandex_thing_${index}`);
    const moved = [{ wanted: 8000, port: 8002 }];

    const urls = { ...INFO.urls, postgres: "127.0.0.1:5432", storage: "http://localhost:9000" };

    const lines = formatHeader({ ...INFO, urls, data: "kept", other, skipped, moved }, plain, true);

    expect(lines).toHaveLength(8);
    expect(lines.every((line) => line.length <= 100)).toBe(true);
    expect(lines.join("\n")).toContain("8000 taken, 8002 instead");
    expect(lines.join("\n")).toContain("kept in kept");
  });
});

describe("formatOutcome", () => {
  test("is one line for a task that is done", () => {
    expect(formatOutcome(TASK, outcome("ok"), CONTEXT)).toEqual([
      '00:30:01 ok    shop.charge                77 user={"id":8}         wait 30.4 s  run 0.3 s',
    ]);
  });

  test("names the queue where it is not the default one", () => {
    const [line] = formatOutcome({ ...TASK, queue: "shop-tasks-heavy" }, outcome("ok"), CONTEXT);

    expect(line).toMatch(/run 0\.3 s {2}queue heavy$/);
    expect(formatTask({ ...TASK, queue: "shop-tasks-heavy" }, CONTEXT.queues)).toMatch(
      /3f2c run 0\.3 s {2}queue heavy$/,
    );
  });

  test("knows Celery's names of queues by what a container is told", () => {
    const SQS_QUEUES = JSON.stringify({ heavy: "http://localhost:9324/b1g/dj6/shop-tasks-heavy" });

    expect(queueNames({ SQS_QUEUES })).toEqual(CONTEXT.queues);
    expect(queueNames({})).toEqual(new Map());
  });

  test("tells of a failed task why, where, and what it has logged in that attempt", () => {
    const traceback = [
      "Traceback (most recent call last):",
      '  File "/home/me/shop/tasks.py", line 41, in charge',
      '  File "/home/me/shop/.venv/lib/bank.py", line 7, in call',
    ].join("\n");
    const error = { type: "ConnectionError", message: "no answer", traceback };
    const log = [-5000, -200, -100, -90, -80, -70, -60].map((ago) => ({
      ...{ at: AT + ago, level: "info" as const, message: `line ${ago}` },
    }));

    const [line, ...lines] = formatOutcome({ ...TASK, error, log }, outcome("failed"), CONTEXT);

    expect(line).toMatch(/FAIL .* ConnectionError: no answer {2}tasks\.py:41$/);
    expect(lines).toEqual([-100, -90, -80, -70, -60].map((ago) => `         | line ${ago}`));
  });

  test.each([
    ["retry", { dueAt: AT + 2000 }, /retry .*#1, again in 2\.0 s/],
    ["back", { dueAt: AT + 5000 }, /FAIL .*delivery 1 of 10, again in 5\.0 s/],
    ["dead", {}, /DEAD .*after 10 deliveries/],
    ["expired", {}, /EXPIRED/],
    ["revoked", {}, /revoked/],
    ["done", {}, /ok /],
  ] as const)("says what becomes of %s", (word, fields, text) => {
    expect(formatOutcome({ ...TASK, ...fields }, outcome(word), CONTEXT)[0]).toMatch(text);
  });

  test.each([
    [504, "took longer than the container's timeout"],
    [502, "did not answer"],
    [503, "the container answered 503"],
  ])("explains answer %d", (status, text) => {
    const attempts = [{ ...FIRST, status }] as TaskRecord["attempts"];
    expect(formatOutcome({ ...TASK, attempts }, outcome("back"), CONTEXT)[0]).toContain(text);
  });

  test("keeps the end of a long name and the start of long arguments", () => {
    const name = `shop.orders.tasks.${"very_".repeat(5)}long`;
    const args = ["x".repeat(100)];
    const [line = ""] = formatOutcome({ ...TASK, name, args }, outcome("ok"), CONTEXT);

    expect(line).toContain("…_very_very_very_very_long");
    expect(line).toContain('"xxxxxxxxxxxxxxxxxxxxxx…');
  });
});

describe("describeEvent", () => {
  const line = (happening: Happening, mode: Parameters<typeof describeEvent>[1] = "failed") =>
    describeEvent({ ...happening, sequence: 1, at: AT } as CloudEvent, mode, plain);
  const log = { type: "log", container: "web", message: "hm", level: "warning" } as const;
  const request = {
    type: "request",
    gateway: "g",
    method: "GET",
    path: "/",
    seconds: 0.2,
  } as const;

  test.each([
    [log, "none", undefined],
    [log, "failed", undefined],
    [log, "warnings", "web      | hm"],
    [{ ...log, level: "info" }, "warnings", undefined],
    [{ ...log, level: "info" }, "all", "web      | hm"],
    [{ ...request, status: 200 }, "failed", undefined],
    [{ ...request, status: 200 }, "all", "GET / 200  0.2 s"],
    [{ ...request, status: 502 }, "failed", "GET / 502  0.2 s"],
    [
      { type: "container", container: "web", state: "crashed", detail: "exited with code 3" },
      "failed",
      "CRASH web  exited with code 3",
    ],
    [{ type: "container", container: "web", state: "ready" }, "all", undefined],
    [
      { type: "timer", timer: "nightly", status: 500, byHand: true },
      "failed",
      "TIMER nightly fired, answer 500; for the log: key l",
    ],
    [
      { type: "timer", timer: "nightly", status: 500, byHand: true },
      "warnings",
      "TIMER nightly fired, answer 500",
    ],
    [
      { type: "timer", timer: "nightly", status: 200, byHand: false },
      "failed",
      "timer nightly fired, answer 200",
    ],
    [
      { type: "refused", by: "queue", code: "X", message: "too large", fix: "Send less" },
      "failed",
      "REFUSED by queue: too large  Send less",
    ],
  ] as const)("shows %j with logs %s as %s", (happening, mode, text) => {
    expect(line(happening, mode)).toBe(text);
  });
});

describe("formatTask", () => {
  test("is one line of a list", () => {
    expect(
      formatTask({ ...TASK, state: "failed", error: { type: "E", message: "m" } }, new Map()),
    ).toBe(
      '00:30:01 failed   shop.charge                77 user={"id":8}                 3f2c run 0.3 s  E: m',
    );
  });
});

describe("texts", () => {
  test("arguments are as they would be written; Celery's wrappers are taken off", () => {
    const when = { __type__: "datetime", __value__: "2026-11-24T00:00:00" };
    expect(formatArguments({ args: [1, "a b", when], kwargs: { deep: [null] } })).toBe(
      '1 "a b" "2026-11-24T00:00:00" deep=[null]',
    );
  });

  test("what others wrote does nothing to the terminal", () => {
    expect(harmless("\x1b[31mred\x1b[0m\x07 two\nlines\x9b")).toBe("red two lines ");
    expect(harmless("pay\u202e)001(\u2066 x\u2028y\ud800")).toBe("pay )001(  x y ");
    expect(harmless("Привет, שלום, 👩‍🚀")).toBe("Привет, שלום, 👩‍🚀");
  });

  test("JSON does nothing to it either, and says the same", () => {
    const value = { text: "\x1b[2J\x9b2J\x7f\u202e\u2066\u2028\ud800 Привет" };
    expect(formatJson(value)).not.toMatch(HARMFUL);
    expect(JSON.parse(formatJson(value))).toEqual(value);
  });

  test("no line does anything to it, whatever is in the fields that others write", () => {
    const bad = "\x1b[31mx\x1b]0;title\x07\n\r\x9b2J\x85\u202e\u2066\u2029";
    const task: TaskRecord = {
      ...TASK,
      ...{ id: bad, name: bad, args: [bad], kwargs: { [bad]: bad }, queue: bad },
      attempts: [
        {
          ...{ number: 1, messageId: bad, delivery: 1, by: "trigger", startedAt: AT - 300 },
          ...{ endedAt: AT, outcome: bad, reason: bad, state: bad, container: bad },
        },
      ],
      log: [{ at: AT, level: "error", message: bad }],
    };
    const traceback = `  File "/home/me/shop/${bad.replace(/\n/g, "")}.py", line 1, in x`;
    const failed = { ...task, error: { type: bad, message: bad, traceback } };
    const stamp = { sequence: 1, at: AT };
    const events: CloudEvent[] = [
      { ...stamp, type: "container", container: bad, state: "crashed", detail: bad },
      { ...stamp, type: "refused", by: bad, code: bad, message: bad, fix: bad },
      { ...stamp, type: "timer", timer: bad, status: 500, byHand: true },
      { ...stamp, type: "log", container: bad, level: "error", message: bad },
      {
        ...{ ...stamp, type: "request", gateway: bad, method: bad, path: bad },
        ...{ status: 500, seconds: 1 },
      },
    ];
    const other = { pid: 1, site: bad };
    const lines = [
      ...[task, failed].flatMap((record) => [
        formatTask(record, CONTEXT.queues),
        ...formatOutcome(record, outcome("failed"), CONTEXT),
        ...formatOutcome(record, outcome("dead"), CONTEXT),
      ]),
      ...events.map((event) => describeEvent(event, "all", plain) ?? ""),
      ...formatHeader({ ...INFO, project: bad, data: bad, skipped: [bad], other }, plain, true),
    ];
    expect(lines).toHaveLength(19);
    for (const line of lines) expect(line).not.toMatch(HARMFUL);
  });

  test("colour is there only where it is asked for", () => {
    expect(formatOutcome(TASK, outcome("ok"), { ...CONTEXT, paint: coloured })[0]).toContain(
      "\x1b[",
    );
  });

  test.each([
    [34, "34 ms"],
    [300, "0.3 s"],
    [59_940, "59.9 s"],
    [200_000, "3 min 20 s"],
  ])("%d ms is %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  test("a traceback without a line of the project has no place", () => {
    expect(findLocation('  File "/usr/lib/python3/json.py", line 1, in x', ["/home/me"])).toBe(
      undefined,
    );
  });
});
