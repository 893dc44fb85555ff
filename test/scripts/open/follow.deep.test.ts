import { afterAll, expect, test } from "vitest";
import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import type { Session } from "../../../scripts/lib/cloud/session.ts";
import { readLog } from "../../../scripts/lib/logs/read-log.ts";
import { StageSource } from "../../../scripts/lib/open/stage-source.ts";
import type { DeployedApp } from "../../../scripts/lib/terraform/outputs.ts";
import { workerEntry } from "../../support/worker-entry.ts";
import { settings } from "../_settings.ts";
import { ACCESS, fakeSystem } from "../_system.ts";

const HOUR_MS = 3_600_000;
const BEFORE = 10_000;
const MEANWHILE = 3_600;
const RESPONSE_BYTES = 3.5 * 1024 * 1024;

interface Written extends LogEntry {
  readonly at: number;
  readonly seenAt: number;
}

/**
 * A stage whose log is read by `yc`, which gives at most 1,000 lines and 3.5 MiB, of too many the latest, in
 * any order; the clock runs only while somebody sleeps.
 */
function stageOf(written: readonly Written[], failsAt: readonly number[]) {
  const system = fakeSystem();
  let calls = 0;
  const run: typeof system.run = async (_, args) => {
    calls += 1;
    // So that others have their turn.
    await new Promise(setImmediate);
    if (failsAt.includes(calls)) return { exitCode: 1, stdout: "", stderr: "ERROR: closing" };
    const flagOf = (flag: string) => args[args.indexOf(flag) + 1] ?? "";
    const [since, until] = [flagOf("--since"), flagOf("--until")].map(Date.parse) as [
      number,
      number,
    ];
    let bytes = 0;
    const found = written
      .filter(({ at, seenAt }) => seenAt <= system.now() && at >= since && at <= until)
      .toSorted((one, other) => other.at - one.at)
      .slice(0, Number(flagOf("--limit")))
      .filter((entry) => {
        bytes += Buffer.byteLength(JSON.stringify(entry));
        return bytes <= RESPONSE_BYTES;
      });
    const stdout = JSON.stringify(calls % 2 ? found : found.toReversed());
    return { exitCode: 0, stdout, stderr: "" };
  };
  const group = { type: "yandex_logging_group", attributes: { id: "e23group" } };
  const session = {
    ...{ system: { ...system, run }, settings: settings({}, "production"), access: ACCESS },
    ...{ folderId: "b1g", api: new CloudApi(system, ACCESS) },
    terraform: { state: async () => [group] },
  } as unknown as Session;
  return { session, system, calls: () => calls };
}

function line(at: number, seenAt: number, payload: object): Written {
  return { ...workerEntry(at, { task_name: "shop.pay", ...payload }), at, seenAt };
}

const stop = new AbortController();
afterAll(() => stop.abort());

test("an hour of following over 10,000 tasks: each is there once, whatever comes late, twice or not at all for a while", async () => {
  const system = fakeSystem();
  const start = system.now();
  const before = Array.from({ length: BEFORE }, (_, number) => {
    const at = start - 1000 - Math.floor((number / BEFORE) * (HOUR_MS - 2000));
    return line(at, at, {
      ...{ task_id: `old${number}` },
      // A thousand of these are more than one answer.
      ...(number < 1000 && { problem: "я".repeat(2500) }),
    });
  });
  const meanwhile = Array.from({ length: MEANWHILE }, (_, number) => {
    const at = start + Math.floor((number / MEANWHILE) * (HOUR_MS - 60_000));
    // Up to 50 seconds late, in no order.
    return line(at, at + ((number * 7919) % 50) * 1000, {
      ...{ task_id: `new${number}`, ...(number % 10 === 0 && { state: "FAILURE" }) },
    });
  });
  // The same delivery, written once more: by another uid.
  const again = meanwhile
    .filter((_, number) => number % 3 === 0)
    .map((entry) => ({ ...entry, uid: `${entry.uid}-again`, seenAt: entry.seenAt + 2000 }));
  const stage = stageOf([...before, ...meanwhile, ...again], [400, 700, 701]);
  const app = {
    ...{ queues: { url: "https://mq/tasks", deadLetterUrl: null }, triggers: {}, containers: {} },
  } as unknown as DeployedApp;
  const source = new StageSource(
    { session: stage.session, app, readLog },
    { title: "shop", since: start - HOUR_MS, act: false, reader: "No key." },
  );
  const changed = new Set<string>();
  source.subscribe((ids) => {
    for (const id of ids) changed.add(id);
  });

  const following = source.follow(stop.signal);
  const isOver = () => stage.system.now() >= start + HOUR_MS + 60_000;
  while (!isOver()) await new Promise(setImmediate);
  stop.abort();
  await following;

  const { tasks, more } = await source.tasks({ limit: 20_000 });
  expect(more).toBe(false);
  // Of those that are over the last 10,000 are kept.
  expect(tasks).toHaveLength(BEFORE);
  const isNew = ({ id }: { readonly id: string }) => id.startsWith("new");
  expect(tasks.filter(isNew)).toHaveLength(MEANWHILE);
  expect(tasks.slice(0, MEANWHILE).every(isNew)).toBe(true);
  expect(tasks.every(({ attempts }) => attempts === 1)).toBe(true);
  expect((await source.tasks({ show: "failed", limit: 20_000 })).tasks).toHaveLength(
    MEANWHILE / 10,
  );
  expect([...changed].filter((id) => id.startsWith("new"))).toHaveLength(MEANWHILE);
  expect((await source.overview()).counts).toMatchObject({ all: BEFORE, failed: MEANWHILE / 10 });
});
