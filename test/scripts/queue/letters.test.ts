import { afterAll, beforeEach, expect, test } from "vitest";
import type { Received } from "../../../scripts/lib/queue/client.ts";
import {
  goThrough,
  type Letter,
  MAX_LETTERS,
  type Reader,
} from "../../../scripts/lib/queue/letters.ts";
import { bury, celery, closeWorlds, newWorld, type World } from "./_world.ts";

let world: World;

beforeEach(async () => {
  world = await newWorld();
});
afterAll(closeWorlds);

const through = (
  act: (letters: readonly Letter[]) => Promise<readonly Received[]>,
  by = world.reader,
) => goThrough(by, world.stage[0] ?? fail(), act);
const KEEP = async () => [];

function fail(): never {
  throw new Error("There is no queue.");
}

test("twenty looks change nothing but the receive counts", async () => {
  const bodies = Array.from({ length: 25 }, (_, number) => celery("shop.charge", [number]));
  bury(world, "default", bodies);
  const before = world.queues.peek("default-dead");
  const times = 20;

  for (let look = 0; look < times; look += 1) await through(KEEP);

  const after = world.queues.peek("default-dead");
  const unseen = (messages: typeof before) =>
    messages.map(({ receiveCount: _, visibleAt: __, ...rest }) => rest).sort(byId);
  expect(unseen(after)).toEqual(unseen(before));
  expect(after.map(({ receiveCount }) => receiveCount)).toEqual(bodies.map(() => times));
});

test("each letter comes once, decoded, also while more come and others are deleted", async () => {
  const ids = bury(
    world,
    "default",
    Array.from({ length: 24 }, () => celery("shop.charge", [1])),
  );
  const seen: Letter[] = [];

  const passage = await through(async (letters) => {
    bury(world, "default", ["late"]);
    seen.push(...letters);
    return [];
  });

  const wanted = seen.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
  expect(wanted).toEqual(ids);
  expect(seen[0]?.task).toMatchObject({ name: "shop.charge", args: [1] });
  expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
  expect(passage).toMatchObject({ elsewhere: 0, beyond: 0 });
});

test("a queue that hides some of what it has is asked again", async () => {
  bury(
    world,
    "default",
    Array.from({ length: 12 }, (_, number) => `${number}`),
  );
  const receive = world.reader.client.receive.bind(world.reader.client);
  let turn = 0;
  world.reader.client.receive = async (url, seconds) => {
    turn += 1;
    return turn % 3 === 0 ? await receive(url, seconds) : [];
  };
  const seen: string[] = [];

  await through(async (letters) => {
    seen.push(...letters.map(({ body }) => body));
    return [];
  });

  expect(seen).toHaveLength(12);
});

test("a letter that comes twice is handed over once, and given back by its last handle", async () => {
  bury(world, "default", ["a", "b"]);
  const [first] = await world.reader.client.receive(String(world.stage[0]?.deadLetterUrl), 0);
  expect(first?.receiveCount).toBe(1);
  const handed: string[] = [];
  const client = {
    ...world.reader.client,
    count: async () => ({ waiting: 3, inFlight: 0, delayed: 0, visibilitySeconds: 30 }),
    receive: async () => (await receiveOnce()) ?? [],
    giveBack: async (_: string, messages: readonly Received[]) =>
      void given.push(...messages.map(({ handle }) => handle)),
  };
  const given: string[] = [];
  const answers = [[message("x", "1"), message("y", "2")], [message("x", "3")]];
  const receiveOnce = async () => answers.shift();

  const passage = await through(
    async (letters) => {
      handed.push(...letters.map(({ id }) => id));
      return [];
    },
    { ...world.reader, client } as unknown as Reader,
  );

  expect(handed).toEqual(["x", "y"]);
  expect(given).toEqual(["3", "2"]);
  expect(passage).toEqual({ seen: 2, elsewhere: 1, beyond: 0 });
});

test("no more than a run can hold are looked at, and progress is told", async () => {
  let number = 0;
  let now = 0;
  const system = { ...world.reader.system, now: () => now++ * 100 };
  const client = {
    count: async () => ({ waiting: 12_345, inFlight: 0, delayed: 0, visibilitySeconds: 30 }),
    receive: async (_: string, seconds: number) => {
      holds.add(seconds);
      return Array.from({ length: 10 }, () => message(String(number++), "h"));
    },
    giveBack: async () => undefined,
  };
  const holds = new Set<number>();

  const passage = await through(KEEP, { ...world.reader, system, client } as unknown as Reader);

  expect(passage).toEqual({ seen: MAX_LETTERS, elsewhere: 0, beyond: 2345 });
  // Longer than it takes, so that none comes twice.
  expect([...holds]).toEqual([1060]);
  expect(world.system.warned[0]).toMatch(/^… \d+ of about 12345 dead letters of queue default$/);
  expect(world.system.warned.at(-1)).toMatch(/^… \d+ of 10000 dead letters given back$/);
  expect(world.system.warned.length).toBeGreaterThan(20);
});

test("letters that cannot be given back come back by themselves, which is said", async () => {
  bury(world, "default", ["a"]);
  world.fault = (action) => (action.startsWith("Change") ? "lost" : undefined);

  await through(KEEP);

  expect(world.system.warned.join()).toMatch(
    /^Up to 1 dead letters stay hidden for 61 seconds and come back by themselves: .*cannot be reached/,
  );
  world.pass(61);
  expect(world.queues.counts("default-dead")).toMatchObject({ waiting: 1, inFlight: 0 });
});

test("an act that fails gives back all, and is told", async () => {
  bury(
    world,
    "default",
    Array.from({ length: 12 }, (_, number) => `${number}`),
  );

  const passage = through(async ([letter]) => {
    if (letter?.body !== "0") throw new Error("no");
    return [];
  });

  await expect(passage).rejects.toThrow("no");
  expect(world.queues.counts("default-dead")).toMatchObject({ waiting: 12, inFlight: 0 });
});

test("a run that is to stop receives no more", async () => {
  bury(
    world,
    "default",
    Array.from({ length: 12 }, (_, number) => `${number}`),
  );

  const passage = through(async () => {
    world.stop.abort(new Error("Interrupted."));
    return [];
  });

  await expect(passage).rejects.toThrow("Interrupted.");
  expect(world.asked.filter((action) => action === "ReceiveMessage")).toHaveLength(1);
  expect(world.queues.counts("default-dead")).toMatchObject({ waiting: 12, inFlight: 0 });
});

function message(id: string, handle: string): Received {
  return { id, handle, body: id, attributes: {}, sentAt: 0, receiveCount: 1 };
}

function byId(one: { messageId: string }, other: { messageId: string }): number {
  return one.messageId < other.messageId ? -1 : 1;
}
