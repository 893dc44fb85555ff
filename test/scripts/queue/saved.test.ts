import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { readSaved, redriveSaved, save } from "../../../scripts/lib/queue/saved.ts";
import { bury, celery, closeWorlds, newWorld, type World } from "./_world.ts";

const ATTRIBUTES = {
  plain: { dataType: "String", stringValue: "<\r\n&#13; 🐶\u202e" },
  bytes: { dataType: "Binary", binaryValue: "AP8=" },
};

let world: World;
let dir: string;
let file: string;

beforeEach(async () => {
  world = await newWorld();
  dir = mkdtempSync(join(tmpdir(), "letters-"));
  file = join(dir, "letters.jsonl");
});
afterAll(closeWorlds);

const lines = () => readFileSync(file, "utf8").trimEnd().split("\n");
const again = (changes = {}) =>
  redriveSaved(world.reader, {
    ...{ file, queues: world.stage, target: undefined, dryRun: false },
    ...changes,
  });

describe("save", () => {
  test("writes each letter whole and decoded, and leaves all where they are", async () => {
    const [id] = bury(world, "default", [celery("shop.charge", [7, "Анна"], "t1")], ATTRIBUTES);
    bury(world, "heavy", ["not <Celery>\r\n"]);

    await save(world.reader, world.stage, file);

    expect(lines().map((line) => JSON.parse(line))).toMatchObject([
      {
        id,
        queue: "default",
        receiveCount: 1,
        task: { id: "t1", name: "shop.charge", args: [7, "Анна"] },
        body: world.bodies("default-dead")[0],
        attributes: ATTRIBUTES,
      },
      { queue: "heavy", task: null, body: "not <Celery>\r\n", attributes: {} },
    ]);
    expect(world.system.said).toEqual([`2 dead letters saved to ${file}.`]);
    expect(world.queues.counts("default-dead")).toMatchObject({ waiting: 1, inFlight: 0 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // Nothing that acts on a terminal that shows the file.
    expect(readFileSync(file, "utf8")).not.toContain("\u202e");
  });

  test("overwrites nothing", async () => {
    writeFileSync(file, "mine");

    await expect(save(world.reader, world.stage, file)).rejects.toThrow(
      `${file} exists. Give another name, or delete it first.`,
    );

    expect(world.asked).toEqual([]);
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  test("overwrites nothing that came while it read", async () => {
    bury(world, "default", ["a"]);
    world.fault = () => {
      writeFileSync(file, "mine");
      return undefined;
    };

    await expect(save(world.reader, world.stage, file)).rejects.toThrow("exists");

    expect(readFileSync(file, "utf8")).toBe("mine");
    expect(readdirSync(dir)).toEqual(["letters.jsonl"]);
  });

  test("that is cut off leaves no file, and holds no letter", async () => {
    bury(
      world,
      "default",
      Array.from({ length: 12 }, (_, number) => `${number}`),
    );
    world.fault = (action, number) =>
      action === "ReceiveMessage" && number > 1 ? "lost" : undefined;

    await expect(save(world.reader, world.stage, file)).rejects.toThrow("cannot be reached");

    expect(readdirSync(dir)).toEqual([]);
    expect(world.queues.counts("default-dead")).toMatchObject({ waiting: 12, inFlight: 0 });
  });

  test("that could not see all says so by its exit", async () => {
    bury(world, "default", ["a"]);
    await world.reader.client.receive(String(world.stage[0]?.deadLetterUrl), 60);

    await expect(save(world.reader, world.stage, file)).rejects.toThrow(
      "1 dead letter could not be looked at",
    );
    expect(existsSync(file)).toBe(true);
  });
});

describe("what was saved", () => {
  test("is sent again as it was, each to its queue", async () => {
    bury(world, "default", ["a<\r\n&#13;", "b"], ATTRIBUTES);
    bury(world, "heavy", ["c"]);
    await save(world.reader, world.stage, file);

    await again();

    const shape = (queue: string) =>
      world.queues.peek(queue).map(({ body, attributes }) => ({ body, attributes }));
    expect(shape("default")).toEqual(shape("default-dead"));
    expect(world.bodies("heavy")).toEqual(["c"]);
    expect(world.bodies("heavy-dead")).toEqual(["c"]);
    expect(world.system.said.at(-1)).toBe(`3 dead letters of ${file} sent.`);
  });

  test("goes to another queue if told so, and nowhere without being told", async () => {
    bury(world, "default", ["a"]);
    await save(world.reader, world.stage, file);

    await again({ dryRun: true });
    expect(world.bodies("default")).toEqual([]);
    expect(world.system.said.at(-1)).toBe(`1 dead letter of ${file} would be sent.`);

    await again({ target: world.stage[1] });
    expect(world.bodies("heavy")).toEqual(["a"]);
  });

  test("and is not sent to its end says how far it has come", async () => {
    bury(
      world,
      "default",
      Array.from({ length: 25 }, (_, number) => `${number}`),
    );
    await save(world.reader, world.stage, file);
    const first = world.asked.length;
    world.fault = (_, number) => (number > first ? "unanswered" : undefined);

    await expect(again()).rejects.toThrow(
      `The first 10 of 25 lines of ${file} are sent; perhaps some of the next ten, too.`,
    );
    expect(world.queues.counts("default").waiting).toBe(20);
  });

  test("and is not taken is named by its line", async () => {
    writeFileSync(file, `${JSON.stringify({ queue: "default", body: "a" })}\n\n`);
    world.reader.client.send = async () => new Map([[0, "no"]]);
    await expect(again()).rejects.toThrow("Line 1 was not taken: no");
  });

  test("stops when it is told to", async () => {
    writeFileSync(file, JSON.stringify({ queue: "default", body: "a" }));
    world.stop.abort(new Error("Interrupted."));
    await expect(again()).rejects.toThrow("Interrupted. The first 0 of 1 lines");
    expect(world.bodies("default")).toEqual([]);
  });

  test.each([
    ["nothing", "There is no file"],
    ['{"body":"a"}', ":1 is no dead letter as `npm run dead-letters -- save` writes them."],
    ['{"queue":"default","body":"a"}\n[]', ":2 is no dead letter"],
    [
      '{"queue":"nowhere","body":"a"}',
      'Queue "nowhere" is not in the stage (known: default, heavy).',
    ],
  ])("%s is refused", async (text, message) => {
    if (text !== "nothing") writeFileSync(file, text);
    await expect(again()).rejects.toThrow(message);
    expect(world.asked).toEqual([]);
  });

  test("is read line by line", () => {
    writeFileSync(file, '{"queue":"q","body":"a","task":null}\n{"queue":"q","body":"b"}\n');
    expect(readSaved(file)).toEqual([
      { queue: "q", body: "a", attributes: {} },
      { queue: "q", body: "b", attributes: {} },
    ]);
  });
});
