import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import type { Session } from "../../../scripts/lib/cloud/session.ts";
import { drain, parseTimeout } from "../../../scripts/lib/queue/drain.ts";
import type { DeployedApp } from "../../../scripts/lib/terraform/outputs.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import { settings } from "../_settings.ts";
import { ACCESS, type Routes } from "../_system.ts";
import { closeWorlds, newWorld, type World } from "./_world.ts";

const API = "https://serverless-triggers.api.cloud.yandex.net/triggers/v1/triggers";
const GO_ON = "The triggers stay paused: `npm run trigger -- --resume` goes on.";
const SETTLING =
  "A pause can take 5 minutes to work: what is sent until then may still be delivered.";
const TEN_MINUTES = 600_000;
const SPEC = {
  kind: "timer",
  cron: "0 3 ? * * *",
  payload: "",
  containerId: "bba",
  path: "/",
  invokerId: "aje",
  folderId: "b1g",
  trigger: "yc",
} as const;

let world: World;
/** What happens as soon as the drain sleeps for the so manyth time. */
let asleep: (turn: number) => unknown;

const triggers = (status: string): Routes => ({
  [`GET ${API}?folderId=b1g&pageSize=1000`]: {
    body: { triggers: [{ id: "a1s", name: "tasks", status, rule: {} }] },
  },
  [`POST ${API}/a1s:pause`]: { body: { done: true } },
});
const open = async (status = "ACTIVE") => {
  world = await newWorld({ routes: triggers(status) });
};
const run = async (changes = {}) => {
  const [first, heavy] = world.stage;
  const app = {
    queues: { url: first?.url, further: { heavy: { url: heavy?.url } } },
    triggers: { tasks: SPEC },
  } as unknown as DeployedApp;
  let turn = 0;
  const { system } = world.reader;
  const sleeping = {
    ...system,
    sleep: async (milliseconds: number) => {
      await system.sleep(milliseconds);
      await asleep(turn);
      turn += 1;
    },
  };
  const session: Session = {
    ...{ system: sleeping, settings: settings(), access: ACCESS, folderId: "b1g" },
    api: new CloudApi(sleeping, ACCESS),
    terraform: new Terraform(sleeping, { stage: undefined, env: {} }),
  };
  await drain(session, app, world.reader, { timeoutMs: TEN_MINUTES, json: false, ...changes });
  return turn;
};
const receive = (queue: number) => world.reader.client.receive(world.stage[queue]?.url ?? "", 300);

beforeEach(async () => {
  await open();
  asleep = () => undefined;
});
afterAll(closeWorlds);

describe("drain", () => {
  test("pauses, sees nothing in flight for half a minute, and says how to go on", async () => {
    world.queues.send("default", { body: "a" });
    world.queues.send("heavy", { body: "b", delaySeconds: 60 });

    const looks = await run();

    expect(world.system.sent.map(({ request }) => request)).toContain(`POST ${API}/a1s:pause`);
    expect(world.system.said).toEqual([
      "pause tasks",
      "Drained: nothing is in flight. Messages that wait: 2.",
      GO_ON,
    ]);
    expect(looks).toBe(15);
  });

  test("waits for what is in flight, in whatever queue, and says what", async () => {
    for (const queue of ["default", "heavy"]) world.queues.send(queue, { body: "a" });
    const [[mine], [heavy]] = [await receive(0), await receive(1)];
    asleep = async (turn) => {
      if (turn === 5 && mine) await world.reader.client.delete(world.stage[0]?.url ?? "", [mine]);
      if (turn === 9 && heavy) await world.reader.client.delete(world.stage[1]?.url ?? "", [heavy]);
    };

    const looks = await run();

    expect(looks).toBe(10 + 15);
    expect(world.system.warned[0]).toBe(
      "… 1 in flight in queue default, 1 in flight in queue heavy",
    );
    expect(world.system.warned).toContain("… 1 in flight in queue heavy");
    expect(world.system.warned.at(-1)).toBe("… nothing in flight; looking again");
    expect(world.system.said.at(-3)).toBe("Drained: nothing is in flight. Messages that wait: 0.");
    expect(world.system.said.at(-2)).toBe(SETTLING);
  });

  test("begins to count anew when something is in flight again", async () => {
    world.queues.send("default", { body: "a" });
    asleep = async (turn) => {
      if (turn !== 10) return;
      const [late] = await receive(0);
      asleep = async () => {
        if (late) await world.reader.client.delete(world.stage[0]?.url ?? "", [late]);
      };
    };

    expect(await run()).toBe(11 + 1 + 15);
  });

  test("does not warn of a pause that was there before", async () => {
    await open("PAUSED");

    await run();

    expect(world.system.said).toEqual([
      "the triggers are paused already",
      "Drained: nothing is in flight. Messages that wait: 0.",
      GO_ON,
    ]);
  });

  test("gives up when the time is over, and says why that may be", async () => {
    world.queues.send("heavy", { body: "a" });
    await receive(1);

    await expect(run({ timeoutMs: 60_000 })).rejects.toThrow(
      `Not drained after 60 seconds: 1 in flight in queue heavy. What a worker has lost stays in flight for up to 30 seconds. Run it again to go on waiting. ${GO_ON}`,
    );
    await expect(run({ timeoutMs: 0 })).rejects.toThrow("1 in flight in queue heavy");
  });

  test("with less time than half a minute is never sure", async () => {
    await expect(run({ timeoutMs: 10_000 })).rejects.toThrow(
      "Not drained after 10 seconds: nothing in flight, but not for long enough.",
    );
  });

  test("stops when it is told to", async () => {
    asleep = (turn) => turn === 2 && world.stop.abort(new Error(`Interrupted. ${GO_ON}`));

    await expect(run()).rejects.toThrow(`Interrupted. ${GO_ON}`);
  });

  test("as JSON has one object for each look", async () => {
    world.queues.send("heavy", { body: "a" });

    await run({ json: true });

    const looks = world.system.said.map((line) => JSON.parse(line));
    expect(looks).toHaveLength(16);
    expect(looks.map(({ drained }) => drained).indexOf(true)).toBe(15);
    expect(looks[0].queues).toEqual([
      { queue: "default", waiting: 0, inFlight: 0, delayed: 0, visibilitySeconds: 30 },
      { queue: "heavy", waiting: 1, inFlight: 0, delayed: 0, visibilitySeconds: 30 },
    ]);
    expect(world.system.warned).toContain(GO_ON);
  });
});

test.each([
  ["90s", 90_000],
  ["10m", 600_000],
  ["1h", 3_600_000],
  ["0s", 0],
])("a timeout of %s is %i milliseconds", (text, milliseconds) =>
  expect(parseTimeout(text)).toBe(milliseconds),
);

test.each(["10", "m", "1d", "-1s", "1.5h", " 1s", "9999999s"])(
  "a timeout of %j is refused",
  (text) => {
    expect(() => parseTimeout(text)).toThrow(
      `--timeout is "${text}", allowed: a number with s, m or h, such as 10m.`,
    );
  },
);
