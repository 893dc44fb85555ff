import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import type { Session } from "../../../scripts/lib/cloud/session.ts";
import { type ReadOptions, readLog } from "../../../scripts/lib/logs/read-log.ts";
import { NOT_FOUND, type ProcessResult } from "../../../scripts/lib/shell/system.ts";
import { UserError } from "../../../scripts/lib/shell/user-error.ts";
import { fakeSystem } from "../_system.ts";

const START = Date.parse("2026-01-02T02:04:05Z");
const NOW = START + 3_600_000;

interface Written {
  readonly uid: string;
  /** Milliseconds after the start. */
  readonly at: number;
  /** When it can be read: so much later. */
  readonly late?: number;
  readonly message?: string;
}

interface Service {
  readonly written: readonly Written[];
  /** What a call is answered with in place of lines, by its number. */
  readonly failures?: Readonly<Record<number, Partial<ProcessResult>>>;
  readonly inclusive?: readonly [boolean, boolean];
  readonly given?: boolean;
  /** Is told of each call. */
  readonly onCall?: (call: number) => void;
}

/** `yc logging read` of a group whose lines are these: any order, the latest of too many. */
function sessionOf(service: Service) {
  const { written, failures = {}, inclusive: [first, last] = [true, true] } = service;
  const calls: string[][] = [];
  const system = fakeSystem();
  const run: typeof system.run = async (_, args) => {
    calls.push([...args]);
    service.onCall?.(calls.length);
    const failure = failures[calls.length];
    if (failure) return { exitCode: 1, stdout: "", stderr: "", ...failure };
    const flagOf = (flag: string) => args[args.indexOf(flag) + 1] ?? "";
    const since = Date.parse(flagOf("--since")) - START;
    const until = Date.parse(flagOf("--until")) - START;
    const found = written
      .filter(({ at, late = 0 }) => START + at + late <= system.now())
      .filter(({ at }) => (first ? at >= since : at > since) && (last ? at <= until : at < until))
      .toSorted((one, other) => other.at - one.at)
      .slice(0, Number(flagOf("--limit")));
    const shown = calls.length % 2 ? found : found.toReversed();
    return { exitCode: 0, stdout: JSON.stringify(shown.map(entryOf)), stderr: "" };
  };
  const group = { type: "yandex_logging_group", attributes: { id: "e23group" } };
  const session = {
    system: { ...system, run },
    access: { given: service.given ?? false, token: async () => "t1.token" },
    terraform: { state: async () => [group] },
  } as unknown as Session;
  return { session, calls, system };
}

function entryOf({ uid, at, message = uid }: Written): LogEntry {
  return { uid, timestamp: new Date(START + at).toISOString(), message };
}

async function readAll(session: Session, options: Partial<ReadOptions> = {}): Promise<string[]> {
  const uids: string[] = [];
  for await (const { uid } of readLog(session, { since: START, ...options })) uids.push(uid);
  return uids;
}

function evenly(count: number, milliseconds = 3_600_000): Written[] {
  return Array.from({ length: count }, (_, index) => ({
    uid: `u${index}`,
    at: Math.floor((index * milliseconds) / count),
  }));
}

describe("reading a log", () => {
  test("asks for a time with both ends, in a format for programs", async () => {
    const { session, calls } = sessionOf({ written: [] });

    await readAll(session, { level: "error", resources: ["bbaworker"], filter: "x" });

    expect(calls).toEqual([
      [
        ...["logging", "read", "--group-id", "e23group", "--format", "json", "--limit", "1000"],
        ...["--since", "2026-01-02T02:04:05.000Z", "--until", "2026-01-02T03:04:05.000Z"],
        ...["--levels", "ERROR,FATAL", "--resource-ids", "bbaworker", "--filter", "x"],
        "--no-browser",
      ],
    ]);
  });

  test.each(["", "null", "[]"])("%j is a log without lines", async (stdout) => {
    const { session } = sessionOf({ written: [], failures: { 1: { exitCode: 0, stdout } } });

    expect(await readAll(session)).toEqual([]);
  });

  test("10,000 lines come once each and in order, whatever the order of the answers", async () => {
    const written = evenly(10_000);
    const { session, calls } = sessionOf({ written });

    expect(await readAll(session)).toEqual(written.map(({ uid }) => uid));
    expect(calls.length).toBeLessThan(40);
  });

  test("lines come as soon as they are there: a reader that has enough ends it", async () => {
    const { session, calls } = sessionOf({ written: evenly(100_000) });

    for await (const { uid } of readLog(session, { since: START })) {
      if (uid === "u10") break;
    }

    expect(calls.length).toBeLessThan(12);
  });

  test("an answer that may have been cut by its size is asked for in parts", async () => {
    const written = evenly(40).map((line) => ({ ...line, message: "я".repeat(60_000) }));
    const { session, calls } = sessionOf({ written });

    expect(await readAll(session)).toEqual(written.map(({ uid }) => uid));
    expect(calls.length).toBeGreaterThan(1);
  });

  test("more lines in a moment than can be told apart: says that some are missing", async () => {
    const written = Array.from({ length: 1500 }, (_, index) => ({ uid: `u${index}`, at: 5000 }));
    const { session, system } = sessionOf({ written });

    expect(await readAll(session)).toHaveLength(1000);
    expect(system.warned[0]).toMatch(
      /^More lines were written at 2026-01-02T02:04:\d\d\.\d+Z than can be read: some are missing\. Ask for fewer, e\.g\. with --container or --level\.$/,
    );
  });

  test("each line once, whichever end of a time belongs to it", async () => {
    const times = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(times, fc.boolean(), fc.boolean(), async (at, first, last) => {
        const bulk = at.flatMap((time, index) =>
          Array.from({ length: 100 }, (_, copy) => ({
            uid: `${index}/${copy}`,
            at: 1 + time * 50,
          })),
        );
        const crowd = (time: number) => bulk.filter((line) => line.at === time).length;
        fc.pre(bulk.every((line) => crowd(line.at) < 1000));
        const { session } = sessionOf({ written: bulk, inclusive: [first, last] });

        const uids = await readAll(session);

        expect(uids.toSorted()).toEqual(bulk.map(({ uid }) => uid).toSorted());
      }),
      { numRuns: 60 },
    );
  });

  test("a stage without a log group: says so", async () => {
    const { session } = sessionOf({ written: [] });
    const bare = { ...session, terraform: { state: async () => [] } } as unknown as Session;

    await expect(readAll(bare)).rejects.toThrow(
      "This stage has no log group. Run `npm run deploy` first.",
    );
  });

  test.each<[string, Partial<ProcessResult>, boolean, string]>([
    [
      "no right",
      { stderr: "ERROR: rpc error: code = PermissionDenied desc = Permission denied\n\n" },
      false,
      "`yc logging read --group-id e23group` failed (exit code 1): ERROR: rpc error: code = PermissionDenied desc = Permission denied. Reading logs takes the role logging.reader.",
    ],
    [
      "a group that is gone",
      { stderr: "ERROR: rpc error: code = NotFound desc = Log group e23group not found\n" },
      false,
      "`yc logging read --group-id e23group` failed (exit code 1): ERROR: rpc error: code = NotFound desc = Log group e23group not found",
    ],
    [
      "a pipeline without yc",
      { exitCode: NOT_FOUND },
      true,
      "Logs are read by `yc` with a login of its own, which YC_TOKEN is not: the service has no HTTP interface. Install it (https://yandex.cloud/en/docs/cli/quickstart) and run `yc init`.",
    ],
    [
      "a pipeline whose yc has no login",
      { stderr: "ERROR: no credentials, run yc init" },
      true,
      "Logs are read by `yc` with a login of its own, which YC_TOKEN is not: the service has no HTTP interface. Install it (https://yandex.cloud/en/docs/cli/quickstart) and run `yc init`.",
    ],
    [
      "a pipeline in which it fails otherwise",
      { stderr: "ERROR: boom" },
      true,
      "`yc logging read --group-id e23group` failed (exit code 1): ERROR: boom",
    ],
    [
      "nobody logged in",
      { stderr: "ERROR: no credentials, run yc init" },
      false,
      "Not logged in to Yandex Cloud. Run `yc init` first.",
    ],
  ])("%s: one clear line", async (_, failure, given, message) => {
    const { session } = sessionOf({ written: [], given, failures: { 1: failure } });

    await expect(readAll(session)).rejects.toThrow(new UserError(message));
  });

  test.each(["no JSON", '{"uid": 1}', '[{"uid": 1}]'])("%s is no list of lines", async (stdout) => {
    const { session } = sessionOf({ written: [], failures: { 1: { exitCode: 0, stdout } } });

    await expect(readAll(session)).rejects.toThrow(
      "`yc logging read` printed what is no list of log entries: ",
    );
  });
});

describe("following a log", () => {
  /** Follows for so many calls. */
  async function follow(service: Service, calls: number): Promise<string[]> {
    const stop = new AbortController();
    const onCall = (call: number) => {
      if (call === calls) stop.abort();
    };
    const { session } = sessionOf({ ...service, onCall });
    return await readAll(session, { follow: true, signal: stop.signal });
  }

  const AFTER = NOW - START;

  test("what comes later is given, once", async () => {
    const written = [
      { uid: "before", at: AFTER - 1000 },
      { uid: "soon", at: AFTER + 1000 },
      { uid: "later", at: AFTER + 100_000 },
    ];

    expect(await follow({ written }, 80)).toEqual(["before", "soon", "later"]);
  });

  test("a line that can be read late is not lost", async () => {
    const written = [
      { uid: "late", at: AFTER - 2000, late: 20_000 },
      { uid: "fast", at: AFTER + 5000 },
      { uid: "slow", at: AFTER + 4000, late: 50_000 },
    ];

    expect(await follow({ written }, 80)).toEqual(["fast", "late", "slow"]);
  });

  test("a line of a clock that is ahead does not end it", async () => {
    const written = [
      { uid: "future", at: AFTER + 1_800_000, late: -1_800_000 },
      { uid: "now", at: AFTER + 10_000 },
    ];

    expect(await follow({ written }, 60)).toEqual(["future", "now"]);
  });

  test("an hour of it forgets what was given", async () => {
    const written = evenly(3000, 2 * 3_600_000);

    expect(await follow({ written }, 1900)).toEqual(written.map(({ uid }) => uid));
  });

  test("a call that fails now and then does not end it", async () => {
    const failure = { stderr: "ERROR: rpc error: code = Unavailable desc = closing" };
    const failures = { 3: failure, 4: failure, 5: failure, 6: failure, 8: failure };
    const written = [{ uid: "later", at: AFTER + 1000 }];

    expect(await follow({ written, failures }, 12)).toEqual(["later"]);
  });

  test("five in a row do", async () => {
    const failure = { stderr: "ERROR: rpc error: code = Unavailable desc = closing" };
    const failures = { 2: failure, 3: failure, 4: failure, 5: failure, 6: failure };

    await expect(follow({ written: [], failures }, 12)).rejects.toThrow("desc = closing");
  });

  test("stopped while a call goes on, nothing is said of it", async () => {
    const failures = { 1: { stderr: "ERROR: interrupted" } };

    expect(await follow({ written: [], failures }, 1)).toEqual([]);
  });
});
