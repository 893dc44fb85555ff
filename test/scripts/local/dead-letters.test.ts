import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { startControl } from "../../../packages/local-cloud/control/server.ts";
import { EventStore } from "../../../packages/local-cloud/events/store.ts";
import type { Listening } from "../../../packages/local-cloud/support/listen.ts";
import {
  actByIds,
  actOnLetters,
  type LetterFlags,
} from "../../../scripts/lib/local/dead-letters.ts";
import { registerInstance } from "../../../scripts/lib/local/instances.ts";
import { FakeSource } from "../../console/_source.ts";
import { bury, celery, closeWorlds, newWorld, type World } from "../queue/_world.ts";

const NONE: LetterFlags = {
  ...{ queue: undefined, name: undefined, all: false, to: undefined, json: false },
  ...{ from: undefined, "dry-run": false },
};
const TABLES = "http://localhost:8001";

let world: World;
let control: Listening;
let root: string;

beforeEach(async () => {
  const body = { Responses: { celery: [] } };
  world = await newWorld({ routes: { [`POST ${TABLES} BatchGetItem`]: { body } } });
  const { queues, stage } = world;
  const names = stage.map(({ name }) => name);
  const site = "http://localhost:8000";
  control = await startControl({
    ...{ events: new EventStore(), port: 0, run: "run1", timers: () => [], fire: async () => 200 },
    source: new FakeSource(),
    peek: (name) => queues.peek(name),
    describe: () => ({
      run: "run1",
      addresses: { site, queue: new URL(stage[0]?.url ?? "").origin, tables: TABLES },
      environment: {
        SQS_QUEUES: JSON.stringify(Object.fromEntries(stage.map(({ name, url }) => [name, url]))),
      },
      queues: names.flatMap((name) => [
        { name, redrive: { deadLetterQueue: `${name}-dead`, maxReceiveCount: 3 } },
        { name: `${name}-dead` },
      ]),
      table: "celery",
    }),
  });
  root = mkdtempSync(join(tmpdir(), "letters-"));
  registerInstance(root, { pid: 7, run: "run1", control: control.url, site });
  bury(world, "default", [celery("shop.mail", ["a"], "m1"), celery("shop.pay", [1], "p1")]);
  bury(world, "heavy", [celery("shop.pay", [2], "p2")]);
});
afterEach(() => control.close());
afterAll(closeWorlds);

async function act(words: readonly string[], flags: Partial<LetterFlags> = {}) {
  const { reader, system } = world;
  const ask = (url: string, init?: RequestInit) =>
    url.startsWith(control.url) ? fetch(url, init) : reader.system.fetch(url, init ?? {});
  await actOnLetters({ ...system, root, fetch: ask }, { ...NONE, ...flags }, words);
  return { said: system.said.join("\n"), warned: system.warned.join("\n") };
}

function receiveCounts(): number[] {
  return ["default-dead", "heavy-dead"].flatMap((queue) =>
    world.queues.peek(queue).map(({ receiveCount }) => receiveCount),
  );
}

test("are listed without being received", async () => {
  const { said, warned } = await act([]);

  expect(said).toContain("shop.mail  no result recorded");
  expect(said).toContain("of queue heavy");
  expect(warned).toBe("3 dead letters. Looking has changed nothing.");
  expect(receiveCounts()).toEqual([0, 0, 0]);
  expect(world.asked).toEqual([]);
});

test("are listed by twenty-three as by three", async () => {
  bury(
    world,
    "heavy",
    Array.from({ length: 20 }, (_, index) => celery("shop.many", [index])),
  );

  const { said } = await act([], { json: true, queue: "heavy" });

  expect(said.split("\n").map((line) => JSON.parse(line).queue)).toEqual(Array(21).fill("heavy"));
});

test("are saved without being received", async () => {
  const file = join(root, "letters.jsonl");

  await act(["save", file]);

  expect(readFileSync(file, "utf8").trimEnd().split("\n")).toHaveLength(3);
  expect(receiveCounts()).toEqual([0, 0, 0]);
});

test("are sent back where they came from, or elsewhere", async () => {
  await act(["redrive", "m1"]);
  await act(["redrive"], { name: "shop.pay", queue: "default", to: "heavy" });

  expect(world.bodies("default")).toEqual([celery("shop.mail", ["a"], "m1")]);
  expect(world.bodies("heavy")).toEqual([celery("shop.pay", [1], "p1")]);
  expect(world.bodies("default-dead")).toEqual([]);
  expect(world.bodies("heavy-dead")).toHaveLength(1);
});

test("are sent back nowhere by a dry run, which says what would be", async () => {
  const { said } = await act(["redrive"], { all: true, "dry-run": true });

  expect(said).toContain("3 dead letters would be sent back.");
  expect(world.bodies("default-dead")).toHaveLength(2);
});

test("are sent from a file, where they stay", async () => {
  const file = join(root, "letters.jsonl");
  await act(["save", file], { queue: "heavy" });
  await act(["redrive"], { from: file });

  expect(world.bodies("heavy")).toEqual([celery("shop.pay", [2], "p2")]);
  expect(world.bodies("heavy-dead")).toHaveLength(1);
  await expect(act(["redrive", "p2"], { from: file })).rejects.toThrow(
    "--from sends all that is in the file: give no ids, --name or --all.",
  );
});

test("are sent back and deleted by the ids of their messages, for the page", async () => {
  const { queues, stage, reader, system } = world;
  const specs = stage.map(({ name }) => ({
    ...queues.specOf(name),
    redrive: { deadLetterQueue: `${name}-dead`, maxReceiveCount: 3 },
  }));
  const names = new Map(stage.map(({ name }) => [name, name]));
  const place = { specs, names };
  const byIds = actByIds(reader.system, new URL(stage[0]?.url ?? "").origin);
  const idsIn = (queue: string) => queues.peek(queue).map(({ messageId }) => messageId);

  const [first = "", second = ""] = idsIn("default-dead");
  expect(await byIds("redrive", [first], place)).toBe("1 dead letter sent back.");
  expect(await byIds("delete", [second, ...idsIn("heavy-dead")], place)).toBe(
    "2 dead letters deleted.",
  );
  expect([world.bodies("default"), idsIn("default-dead"), idsIn("heavy-dead")]).toEqual([
    [celery("shop.mail", ["a"], "m1")],
    [],
    [],
  ]);
  expect(system.said).toEqual([]);
  await expect(byIds("delete", ["none"], place)).rejects.toThrow("No dead letter has the id none.");
});

test.each([{ from: "letters.jsonl" }, { "dry-run": true }])("%j is for redrive", async (flags) => {
  await expect(act(["purge"], { all: true, ...flags })).rejects.toThrow(
    "--from and --dry-run are flags of redrive.",
  );
});

test("are deleted", async () => {
  await act(["purge"], { name: "shop.pay" });

  expect(world.bodies("default-dead")).toEqual([celery("shop.mail", ["a"], "m1")]);
  expect(world.bodies("heavy-dead")).toEqual([]);
});

test.each([
  [["redrive"], "Which dead letters?"],
  [["purge"], "Which dead letters?"],
  [["save"], "Give one file: npm run local -- dead-letters save letters.jsonl"],
  [["save", "a", "b"], "Give one file: "],
  [["look"], '"look" is no action. Write redrive, purge, save or nothing.'],
])("%j is refused", async (words, message) => {
  await expect(act(words)).rejects.toThrow(message);
  expect(receiveCounts()).toEqual([0, 0, 0]);
});
