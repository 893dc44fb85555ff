import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { confirmPurge, purge } from "../../../scripts/lib/queue/purge.ts";
import type { Selection } from "../../../scripts/lib/queue/selection.ts";
import { settings } from "../_settings.ts";
import { fakeSystem } from "../_system.ts";
import { bury, celery, closeWorlds, newWorld, type World } from "./_world.ts";

const NO_ONE: Selection = { ids: [], name: undefined, all: false };

let world: World;

beforeEach(async () => {
  world = await newWorld();
});
afterAll(closeWorlds);

const run = (selection: Partial<Selection>) =>
  purge(world.reader, world.stage, { ...NO_ONE, ...selection });

describe("purge", () => {
  test("of all deletes also what somebody holds, in one request for each queue", async () => {
    bury(world, "default", ["a", "b"]);
    bury(world, "heavy", ["c"]);
    world.queues.send("default", { body: "alive" });
    await world.reader.client.receive(String(world.stage[1]?.deadLetterUrl), 60);

    await run({ all: true });

    expect(world.bodies("default-dead")).toEqual([]);
    expect(world.bodies("heavy-dead")).toEqual([]);
    expect(world.bodies("default")).toEqual(["alive"]);
    expect(world.system.said).toEqual([
      "2 dead letters of queue default deleted, which may take a minute.",
      "1 dead letter of queue heavy deleted, which may take a minute.",
    ]);
  });

  test("of a task or of ids deletes these, and gives the others back", async () => {
    const mail = celery("shop.mail", [], "m");
    const [first] = bury(world, "default", ["a", "b", mail, celery("shop.charge", [], "c")]);

    await run({ name: "shop.mail" });
    await expect(run({ ids: [String(first), "c", "nobody"] })).rejects.toThrow(
      "No dead letter has the id nobody.",
    );

    expect(world.bodies("default-dead")).toEqual(["b"]);
    expect(world.queues.counts("default-dead")).toMatchObject({ waiting: 1, inFlight: 0 });
    expect(world.system.said).toEqual(["1 dead letter deleted.", "2 dead letters deleted."]);
  });

  test("says what it could not look at", async () => {
    bury(world, "default", ["a"]);
    await world.reader.client.receive(String(world.stage[0]?.deadLetterUrl), 60);

    await expect(run({ name: "shop.mail" })).rejects.toThrow(
      "1 dead letter could not be looked at",
    );
  });
});

describe("confirmPurge", () => {
  const confirm = (selection: Partial<Selection>, answer: string, interactive = true) => {
    const asked: string[] = [];
    const system = {
      ...fakeSystem({ interactive }),
      ask: async (question: string) => {
        asked.push(question);
        return answer;
      },
    };
    const done = confirmPurge(system, settings(), { ...NO_ONE, ...selection });
    return { asked, done };
  };

  test.each<[Partial<Selection>, string]>([
    [{ all: true }, "all dead letters"],
    [{ name: "shop.mail" }, "the dead letters of shop.mail"],
    [{ ids: ["a", "b"] }, "a, b"],
  ])("asks for the stage's name before %j is deleted", async (selection, which) => {
    const { asked, done } = confirm(selection, " shop ");
    await done;
    expect(asked).toEqual([`This deletes ${which} for good. Type shop to go on: `]);
  });

  test("takes nothing else for a yes", async () => {
    await expect(confirm({ all: true }, "yes").done).rejects.toThrow("Nothing was deleted.");
    await expect(confirm({ all: true }, "shop", false).done).rejects.toThrow(
      "No terminal to ask for confirmation. Add --yes to delete without asking.",
    );
  });
});
