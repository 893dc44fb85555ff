import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openQueueJournal } from "../../../packages/local-cloud/queue/journal.ts";
import type { Queues } from "../../../packages/local-cloud/queue/queues.ts";
import { sampled } from "../../support/sample.ts";
import { makeQueues, spec, TestClock } from "./support.ts";

const SPECS = [
  spec("tasks", { redrive: { deadLetterQueue: "dead", maxReceiveCount: 2 } }),
  spec("dead"),
  spec("other"),
];

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "journal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = () => join(directory, "queues.jsonl");
const lines = () => readFileSync(file(), "utf8").trimEnd().split("\n");

/** Everything that can be known of all queues. */
function all(queues: Queues): unknown {
  return queues.names.map((name) => [name, queues.specOf(name), queues.peek(name)]);
}

async function act(queues: Queues, clock: TestClock, what: number): Promise<void> {
  const receive = (name: string) =>
    queues.receive(name, { max: 3, waitSeconds: 0, by: "client" as const });
  if (what < 4) queues.send("tasks", { body: `message ${what}`, delaySeconds: what * 20 });
  else if (what < 6) queues.send("other", { body: `message ${what}` });
  else if (what === 6) await receive("tasks");
  else if (what === 7) await receive("other");
  else if (what === 8) clock.advance(31_000);
  else if (what === 9) queues.purge("other");
  else if (what === 10) {
    for (const message of await receive("tasks")) queues.delete("tasks", message.receiptHandle);
  } else {
    const [message] = await receive("tasks");
    if (message) queues.changeVisibility("tasks", message.receiptHandle, 5);
  }
}

test("after a restart everything is as it was, also when the journal was rewritten", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(11), { maxLength: 60, size: "max" }), async (steps) => {
      rmSync(file(), { force: true });
      const clock = new TestClock();
      const journal = await openQueueJournal(directory);
      const { queues } = makeQueues(SPECS, { clock, journal });
      for (const step of steps) await act(queues, clock, step);
      await journal.close();
      const before = all(queues);
      for (let restart = 0; restart < 2; restart++) {
        const again = await openQueueJournal(directory);
        expect(all(makeQueues([], { clock, journal: again }).queues)).toEqual(before);
        await again.close();
      }
    }),
    { numRuns: sampled("random histories with restarts", 30, 1_000) },
  );
});

test("a stack that has changed gives a kept queue its new settings", async () => {
  const journal = await openQueueJournal(directory);
  makeQueues([spec("tasks")], { journal }).queues.send("tasks", { body: "kept" });
  await journal.close();
  const again = await openQueueJournal(directory);
  const { queues } = makeQueues([spec("tasks", { delaySeconds: 7 })], { journal: again });
  expect(queues.specOf("tasks").delaySeconds).toBe(7);
  expect(queues.peek("tasks")).toMatchObject([{ body: "kept" }]);
  await again.close();
});

test("a last line that was cut is left out, and what follows is whole", async () => {
  const journal = await openQueueJournal(directory);
  makeQueues([spec("tasks")], { journal }).queues.send("tasks", { body: "whole" });
  await journal.close();
  appendFileSync(file(), '["send","tasks",{"id":"half');
  const again = await openQueueJournal(directory);
  const { queues } = makeQueues([], { journal: again });
  expect(queues.peek("tasks")).toHaveLength(1);
  queues.send("tasks", { body: "next" });
  await again.close();
  for (const line of lines()) JSON.parse(line);
  expect(lines()).toHaveLength(3);
});

test("a broken line in the middle is named and not skipped", async () => {
  writeFileSync(file(), '["drop","a",1]\n{broken\n["drop","b",2]\n');
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(openQueueJournal(directory)).rejects.toThrow(`${file()}:2 is damaged.`);
  }
});

test("the folder, the journal and its lock are their owner's alone", async () => {
  const inside = join(directory, "data");
  const journal = await openQueueJournal(inside);
  const modes = [inside, join(inside, "queues.jsonl"), join(inside, "queues.lock")].map(
    (path) => statSync(path).mode & 0o777,
  );
  expect(modes).toEqual([0o700, 0o600, 0o600]);
  await journal.close();
});

test("a journal that is mostly history is rewritten, and loses nothing", async () => {
  const journal = await openQueueJournal(directory);
  const { queues, clock } = makeQueues([spec("tasks"), spec("kept")], { journal });
  queues.send("kept", { body: "stays" });
  for (let index = 0; index < 100; index++) {
    queues.send("tasks", { body: "x".repeat(250_000) });
    await act(queues, clock, 10);
  }
  queues.send("kept", { body: "stays too" });
  await journal.close();
  expect(readFileSync(file()).length).toBeLessThan(20_000_000);
  const again = await openQueueJournal(directory);
  const bodies = makeQueues([], { journal: again })
    .queues.peek("kept")
    .map(({ body }) => body);
  expect(bodies).toEqual(["stays", "stays too"]);
  await again.close();
});

test("two processes cannot have one folder", async () => {
  writeFileSync(join(directory, "queues.lock"), String(process.ppid));
  await expect(openQueueJournal(directory)).rejects.toThrow(
    `process ${process.ppid} uses this folder`,
  );
  writeFileSync(join(directory, "queues.lock"), "999999999");
  await (await openQueueJournal(directory)).close();
});

test("who waits is told when the disk takes no more", async () => {
  const journal = await openQueueJournal(directory);
  const { queues } = makeQueues([spec("tasks")], { journal });
  await journal.close();
  queues.send("tasks", { body: "never kept" });
  await expect(queues.kept()).rejects.toThrow();
});
