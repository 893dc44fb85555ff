import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { redrive } from "../../../scripts/lib/queue/redrive.ts";
import {
  checkSelection,
  refuseSelected,
  type Selection,
} from "../../../scripts/lib/queue/selection.ts";
import { bury, celery, closeWorlds, type Fault, NAMES, newWorld, type World } from "./_world.ts";

const ALL: Selection = { ids: [], name: undefined, all: true };
const HOUR = 3600;
const ELSEWHERE =
  "could not be looked at: somebody else holds them, or a run that was stopped. Run it again in a few minutes.";

let world: World;

beforeEach(async () => {
  world = await newWorld();
});
afterAll(closeWorlds);

const run = (selection: Partial<Selection> = ALL, changes = {}, by = world) =>
  redrive(by.reader, {
    queues: by.stage,
    selection: { ids: [], name: undefined, all: false, ...selection },
    target: undefined,
    dryRun: false,
    ...changes,
  });
const letters = (count: number, task = "shop.charge") =>
  Array.from({ length: count }, (_, number) => celery(task, [number], `${task}-${number}`));
const counts = (by = world) => NAMES.map((name) => by.queues.counts(`${name}-dead`));
const NONE = { waiting: 0, inFlight: 0, delayed: 0 };

describe("redrive", () => {
  test("sends all back to the queue that each came from", async () => {
    const [mine, heavy] = [letters(23), letters(2, "shop.video")];
    bury(world, "default", mine);
    bury(world, "heavy", heavy);

    await run();

    expect(world.bodies("default")).toEqual([...mine].sort());
    expect(world.bodies("heavy")).toEqual([...heavy].sort());
    expect(counts()).toEqual([NONE, NONE]);
    expect(world.system.said).toEqual(["25 dead letters sent back."]);
    expect(world.system.warned).toEqual([]);
  });

  test("sends them to another queue if told so", async () => {
    bury(world, "default", ["a"]);
    bury(world, "heavy", ["b"]);

    await run(ALL, { target: world.stage[1] });

    expect(world.bodies("heavy")).toEqual(["a", "b"]);
    expect(world.bodies("default")).toEqual([]);
  });

  test("of a task leaves the others as they were, and nobody holds them", async () => {
    bury(world, "default", [...letters(11), ...letters(2, "shop.mail"), "not Celery's"]);

    await run({ name: "shop.mail" });

    expect(world.bodies("default")).toEqual(letters(2, "shop.mail").sort());
    expect(counts()[0]).toEqual({ ...NONE, waiting: 12 });
  });

  test("takes ids of tasks and of messages, and names those that are not there", async () => {
    const ids = bury(world, "default", [...letters(3), "not Celery's"]);

    await expect(
      run({ ids: ["shop.charge-1", String(ids[3]), "nobody", "nothing"] }),
    ).rejects.toThrow("No dead letter has the id nobody, nothing.");

    expect(world.system.said).toEqual(["2 dead letters sent back."]);
    expect(world.bodies("default")).toEqual([letters(3)[1], "not Celery's"].sort());
    expect(counts()[0]).toEqual({ ...NONE, waiting: 2 });
  });

  test("that only says what it would do sends nothing and gives all back", async () => {
    bury(world, "default", letters(2));

    await run(ALL, { dryRun: true });

    expect(world.system.said).toEqual([
      "would send to default: shop.charge-0  shop.charge  0",
      "would send to default: shop.charge-1  shop.charge  1",
      "2 dead letters would be sent back.",
    ]);
    expect(world.bodies("default")).toEqual([]);
    expect(counts()[0]).toEqual({ ...NONE, waiting: 2 });
  });

  test("says what somebody else holds", async () => {
    bury(world, "default", letters(3));
    await world.reader.client.receive(String(world.stage[0]?.deadLetterUrl), 60);
    bury(world, "default", ["free"]);

    await expect(run()).rejects.toThrow(ELSEWHERE);

    expect(world.bodies("default")).toEqual(["free"]);
    expect(world.system.said).toEqual(["1 dead letter sent back."]);
  });

  test("says how many it did not look at", async () => {
    const count = async () => ({ waiting: 10_050, inFlight: 0, delayed: 0, visibilitySeconds: 30 });
    let number = 0;
    const receive = async () => Array.from({ length: 10 }, () => message(String(number++)));
    Object.assign(world.reader.client, { count, receive, giveBack: async () => undefined });

    await expect(run({ name: "nobody" }, { queues: world.stage.slice(0, 1) })).rejects.toThrow(
      "About 50 more were not looked at. Run it again for the next ones.",
    );
  });

  test("leaves what dies again meanwhile for another time", async () => {
    bury(world, "default", letters(20));
    world.fault = (action) => {
      if (action === "DeleteMessageBatch") bury(world, "default", ["again"]);
      return undefined;
    };

    await run();

    expect(world.bodies("default-dead")).toEqual(["again", "again"]);
  });

  test("keeps one that the queue does not take, says why, and fails in the end", async () => {
    bury(world, "default", letters(3));
    const send = world.reader.client.send.bind(world.reader.client);
    world.reader.client.send = async (url, contents) => {
      await send(url, contents.slice(1));
      return new Map([[0, "InvalidMessageContents: no"]]);
    };

    await expect(run()).rejects.toThrow("1 dead letter was not taken, and is where it was.");

    expect(world.system.said).toEqual(["2 dead letters sent back."]);
    expect(world.system.warned).toEqual(["not taken: shop.charge-0: InvalidMessageContents: no"]);
    expect(counts()[0]).toEqual({ ...NONE, waiting: 1 });
  });

  test("that is turned away as a whole says so, and gives all back", async () => {
    bury(world, "default", letters(2));
    const small = { ...world.queues.specOf("default"), maxMessageBytes: 1024 };
    bury(world, "default", ["x".repeat(2000)]);
    world.queues.create(small);

    await expect(run()).rejects.toThrow("must be shorter than 1024 bytes");

    expect(world.bodies("default-dead")).toHaveLength(3);
    expect(world.system.warned).toEqual(["0 dead letters sent back before that."]);
  });
});

describe("a redrive that fails", () => {
  test.each<Fault>(["throttled", "lost", "unanswered", "failed"])(
    "twice by a request that is %s, at any one, loses nothing and doubles nothing more than once",
    async (fault) => {
      for (let at = 0; ; at += 1) {
        const fresh = await newWorld();
        const all = letters(12);
        bury(fresh, "default", all);
        fresh.fault = (_, number) => (number === at || number === at + 1 ? fault : undefined);

        const failed = await run(ALL, {}, fresh).then(
          () => "",
          (error: Error) => error.message,
        );

        expectWhole(fresh, all);
        // Whoever looks now sees all at once, but those that an answer was lost with.
        if (failed.includes(ELSEWHERE)) fresh.pass(HOUR);
        else if (failed) expect(failed).toContain("Perhaps queue default has these as well");
        expect(counts(fresh)[0]).toMatchObject({ inFlight: 0 });
        fresh.fault = () => undefined;
        if (failed) await run(ALL, {}, fresh);
        expectWhole(fresh, all);
        expect(counts(fresh)[0]).toEqual(NONE);
        if (at > fresh.asked.length) return;
      }
    },
  );

  test.each<Fault>(["died before", "died after"])(
    "by having %s any request loses nothing, doubles nothing more than once, and the next one ends it",
    async (fault) => {
      const places: number[] = [];
      for (let at = 0; ; at += 1) {
        const fresh = await newWorld();
        const all = [...letters(12), "<&\r\n🐶>"];
        bury(fresh, "default", all);
        bury(fresh, "heavy", ["h"]);
        fresh.fault = (_, number) => (number === at ? fault : undefined);

        const ended = await Promise.race([
          fresh.died.then(() => false),
          run({ name: "shop.charge" }, {}, fresh).then(() => true),
        ]);
        expectWhole(fresh, all);
        if (ended) break;
        places.push(at);
        // What the dead one held comes back by itself.
        fresh.pass(HOUR);
        const next = fresh.restart();
        await run(ALL, {}, next);

        expectWhole(next, all);
        expect(counts(next)).toEqual([NONE, NONE]);
        expect(next.bodies("heavy")).toEqual(["h"]);
      }
      expect(places.length).toBeGreaterThan(8);
    },
  );

  test("to delete what it has sent names it, for it is in both places", async () => {
    bury(world, "default", letters(2));
    world.fault = (action) => (action === "DeleteMessageBatch" ? "lost" : undefined);

    await expect(run()).rejects.toThrow(
      "Perhaps queue default has these as well as the dead letters: shop.charge-0, shop.charge-1. Run it again: the worker knows a task that it has done by its id.",
    );

    expect(world.bodies("default")).toEqual(letters(2));
    expect(counts()[0]).toEqual({ ...NONE, waiting: 2 });
  });

  test("by being stopped sends no more, and gives back what it held", async () => {
    bury(world, "default", [...letters(30), ...letters(1, "shop.mail")]);
    world.fault = (action, number) => {
      if (action === "SendMessageBatch" && number > 2) world.stop.abort(new Error("Interrupted."));
      return undefined;
    };

    await expect(run()).rejects.toThrow("Interrupted.");

    expect(world.queues.counts("default").waiting).toBe(20);
    expect(counts()[0]).toEqual({ ...NONE, waiting: 11 });
    expect(world.system.warned).toEqual(["20 dead letters sent back before that."]);
  });
});

describe("a selection", () => {
  test.each<[Partial<Selection>, string]>([
    [{}, "Which dead letters? Give ids, --name <task> or --all."],
    [{ ids: ["a"], all: true }, "Give one of ids, --name and --all."],
    [{ name: "a", all: true }, "Give one of ids, --name and --all."],
  ])("of %j is refused", (selection, message) => {
    expect(() => checkSelection({ ids: [], name: undefined, all: false, ...selection })).toThrow(
      message,
    );
  });

  test.each<Partial<Selection>>([{ ids: ["a", "b"] }, { name: "a" }, { all: true }])(
    "of %j is one",
    (selection) => checkSelection({ ids: [], name: undefined, all: false, ...selection }),
  );

  test.each<Partial<Selection>>([{ ids: ["a"] }, { name: "a" }, { all: true }])(
    "of %j is refused beside a file",
    (selection) => {
      expect(() => refuseSelected({ ids: [], name: undefined, all: false, ...selection })).toThrow(
        "--from sends all that is in the file: give no ids, --name or --all.",
      );
    },
  );
});

function message(id: string) {
  return { id, handle: id, body: id, attributes: {}, sentAt: 0, receiveCount: 1 };
}

/** Each letter is there, once or twice, in its queue or among its dead letters. */
function expectWhole(fresh: World, all: readonly string[]): void {
  const there = [...fresh.bodies("default"), ...fresh.bodies("default-dead")];
  expect([...new Set(there)].sort()).toEqual([...all].sort());
  for (const body of all) {
    expect(there.filter((other) => other === body).length).toBeLessThanOrEqual(2);
  }
}
