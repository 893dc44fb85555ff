import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { formatAge } from "../../../scripts/lib/queue/describe.ts";
import { describeResult, list } from "../../../scripts/lib/queue/list.ts";
import { ACCESS, type Routes } from "../_system.ts";
import { bury, celery, closeWorlds, newWorld, type World } from "./_world.ts";

const ENDPOINT = "https://docapi/db";
const TOLD =
  "Looking has raised their receive counts by one, and changed nothing else: no number of receives moves a dead letter on, and its time is not extended.";

let world: World;

const open = async (results: Readonly<Record<string, object>> | Error) => {
  const body =
    results instanceof Error
      ? { __type: "x#AccessDeniedException", message: results.message }
      : {
          Responses: {
            celery: Object.entries(results).map(([id, result]) => ({
              id: { S: `b'celery-task-meta-${id}'` },
              result: { B: Buffer.from(JSON.stringify(result)).toString("base64") },
            })),
          },
        };
  const status = results instanceof Error ? 400 : 200;
  const routes: Routes = { [`POST ${ENDPOINT} BatchGetItem`]: { status, body } };
  world = await newWorld({ routes });
};
const run = (json = false) => {
  const table = {
    system: world.reader.system,
    access: ACCESS,
    endpoint: ENDPOINT,
    table: "celery",
  };
  return list(world.reader, world.stage, { json, table });
};
const failed = (type: string, message: string) => ({
  status: "FAILURE",
  result: { exc_type: type, exc_message: [message], exc_module: "x" },
});

beforeEach(() => open({}));
afterAll(closeWorlds);

// The fake clock stands in the past of the queues' one.
const said = () => world.system.said.map((line) => line.replace(/\b\d+ (s|min|h|d)\b/g, "AGE"));

describe("the list", () => {
  test("groups by task and error, the largest group first", async () => {
    await open({
      c1: failed("ConnectionError", "bank timeout"),
      c2: failed("ConnectionError", "bank timeout"),
      m1: failed("KeyError", "'to'"),
      m2: failed("KeyError", "'from'"),
    });
    bury(world, "default", [
      celery("shop.mail", ["a"], "m1"),
      celery("shop.charge", [1], "c1"),
      celery("shop.charge", [2], "c2"),
      celery("shop.charge", [3], "c3"),
    ]);
    bury(world, "heavy", [celery("shop.\u001b[31mmail", ["b"], "m2"), "{not\u2028\u202eCelery's}"]);

    await run();

    expect(said()).toEqual([
      "shop.charge  ConnectionError: bank timeout",
      "  2 of queue default, the oldest AGE old",
      "  c1  AGE  1",
      "  c2  AGE  2",
      "",
      "shop.mail  KeyError: 'to'",
      "  1 of queue default, the oldest AGE old",
      '  m1  AGE  "a"',
      "",
      "shop.charge  no result recorded",
      "  1 of queue default, the oldest AGE old",
      "  c3  AGE  3",
      "",
      "shop.mail  KeyError: 'from'",
      "  1 of queue heavy, the oldest AGE old",
      '  m2  AGE  "b"',
      "",
      "not a message of Celery's  no result recorded",
      "  1 of queue heavy, the oldest AGE old",
      expect.stringMatching(/^ {2}[0-9a-f-]{36} {2}AGE {2}\{not Celery's\}$/),
      "",
    ]);
    expect(world.system.warned).toEqual([`6 dead letters. ${TOLD}`]);
  });

  test("shows ten of a group, cuts what is long, and joins errors that differ in their text", async () => {
    const ids = Array.from({ length: 12 }, (_, number) => `t${number}`);
    await open(Object.fromEntries(ids.map((id) => [id, failed("KeyError", id)])));
    bury(
      world,
      "default",
      ids.map((id) => celery("shop.mail", ["x".repeat(600)], id)),
    );

    await run();

    expect(world.system.said[0]).toBe("shop.mail  KeyError, with several messages");
    expect(world.system.said[2]).toMatch(
      /^ {2}t0 {2}0 s {2}"x{399} … 202 more characters: --json shows them$/,
    );
    expect(world.system.said.at(-2)).toBe("  and 2 more: --json lists all");
  });

  test("as JSON has each letter whole in a line", async () => {
    await open({ c1: failed("ConnectionError", "bank") });
    const body = celery("shop.charge", ["x".repeat(600)], "c1");
    const [id] = bury(world, "default", [body], { a: { dataType: "String", stringValue: "1" } });

    await run(true);

    expect(world.system.said.map((line) => JSON.parse(line))).toEqual([
      {
        ...{ id, queue: "default", receiveCount: 1, body, error: "ConnectionError: bank" },
        sentAt: expect.stringMatching(/^\d{4}-/),
        task: { id: "c1", name: "shop.charge", args: ["x".repeat(600)], kwargs: {}, retries: 0 },
        attributes: { a: { dataType: "String", stringValue: "1" } },
      },
    ]);
  });

  test("goes on without the results where they cannot be read, and asks no second time", async () => {
    await open(new Error("denied"));
    bury(
      world,
      "default",
      Array.from({ length: 12 }, (_, id) => celery("shop.mail", [], `${id}`)),
    );

    await run();

    expect(world.system.said[0]).toBe("shop.mail  result not read");
    expect(world.system.warned[0]).toMatch(/^The results cannot be read: Document API.*denied/);
    expect(world.system.sent).toHaveLength(1);
  });

  test("says that there are none, and asks nobody for results", async () => {
    await run();

    expect(world.system.said).toEqual([]);
    expect(world.system.warned).toEqual(["No dead letters."]);
    expect(world.system.sent).toEqual([]);
  });

  test("says what it could not look at", async () => {
    bury(world, "default", ["a"]);
    await world.reader.client.receive(String(world.stage[0]?.deadLetterUrl), 60);

    await run();

    expect(world.system.warned[0]).toMatch(/^1 dead letter could not be looked at/);
  });
});

test.each([
  [undefined, "no result recorded"],
  [{ at: 0, state: "SUCCESS", result: 5 }, "recorded as SUCCESS"],
  [{ at: 0, state: "FAILURE", result: { exc_type: "E", exc_message: ["a", 1] } }, "E: a, 1"],
  [{ at: 0, state: "FAILURE", result: { exc_type: "E", exc_message: "a" } }, "E: a"],
  [{ at: 0, state: "FAILURE", result: { exc_type: "E" } }, "E"],
  [{ at: 0, state: "FAILURE", result: null }, "Error"],
])("a result %j is %s", (recorded, text) => expect(describeResult(recorded)).toBe(text));

test.each([
  [-5, "0 s"],
  [999, "0 s"],
  [61_000, "1 min"],
  [3_600_000, "1 h"],
  [200_000_000, "2 d"],
])("%i milliseconds are %s", (age, text) => expect(formatAge(age)).toBe(text));
