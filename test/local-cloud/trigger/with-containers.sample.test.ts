import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { Queues } from "../../../packages/local-cloud/queue/queues.ts";
import type { ContainerSpec, QueueSpec } from "../../../packages/local-cloud/stack/blueprint.ts";
import { QueueTriggers } from "../../../packages/local-cloud/trigger/queue-triggers.ts";
import { sampled } from "../../support/sample.ts";
import { get, startContainers } from "../containers/_world.ts";
import { QUEUE, settle, TRIGGER } from "./_world.ts";

/** A queue whose messages go to a path of a real container. */
async function start(
  path: string,
  spec: Partial<ContainerSpec> = {},
  queue: Partial<QueueSpec> = {},
) {
  const { containers, happenings, until } = await startContainers([
    { name: "shop-web", concurrency: 1, ...spec },
  ]);
  const report = (happening: (typeof happenings)[number]) => happenings.push(happening);
  const queues = new Queues({ report });
  queues.create({ ...QUEUE, ...queue });
  const specs = [{ ...TRIGGER, container: "shop-web", path }];
  const { invoke } = containers;
  const triggers = new QueueTriggers({ specs, queues, invoke, containers, report });
  triggers.start();
  onTestFinished(async () => {
    await triggers.stop();
    queues.close();
  });
  const statuses = () => happenings.flatMap((one) => (one.type === "answered" ? [one.status] : []));
  const send = (body: string) => queues.send(QUEUE.name, { body });
  return { containers, queues, happenings, until, statuses, send };
}

describe("a trigger and its container", () => {
  test("hand over messages one after the other, and delete them", async () => {
    const { queues, send, statuses } = await start("/");
    for (let n = 0; n < 20; n += 1) send(String(n));

    await expect.poll(statuses).toEqual(Array(20).fill(200));

    expect(queues.counts(QUEUE.name)).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
  });

  test("leave messages in the queue while the container is busy with the site", async () => {
    const { containers, queues, send, statuses } = await start("/");
    const over = join(mkdtempSync(join(tmpdir(), "over-")), "over");
    const page = get(containers, `/?until=${over}`);
    await expect.poll(() => containers.hasRoom("shop-web")).toBe(false);
    for (const body of ["a", "b", "c"]) send(body);

    // Whatever comes of a message comes at once.
    await settle();
    expect(queues.counts(QUEUE.name).waiting).toBe(3);
    writeFileSync(over, "");
    expect((await page).status).toBe(200);
    await expect.poll(statuses).toEqual([200, 200, 200]);
  });

  test("lose nothing when the container crashes, and go on when it is up again", async () => {
    const { queues, send, statuses, until } = await start("/crash");
    send("a");
    send("b");

    await expect.poll(statuses).toEqual([502, 502]);
    await until("container", ({ state }) => state === "crashed");

    expect(queues.counts(QUEUE.name)).toEqual({ waiting: 0, inFlight: 2, delayed: 0 });
  });

  test("leave what takes too long, and tell why", async () => {
    const { queues, send, statuses } = await start("/?seconds=30", { timeoutSeconds: 1 });
    send("a");

    await expect.poll(statuses).toEqual([504]);

    expect(queues.counts(QUEUE.name).inFlight).toBe(1);
  });

  test("lose none of many messages when the container is killed again and again", async () => {
    const number = sampled("messages while their container is killed", 300, 5_000);
    const kills = Math.ceil(number / 60);
    const done = join(mkdtempSync(join(tmpdir(), "done-")), "done");
    writeFileSync(done, "");
    const redrive = { deadLetterQueue: "shop-dead", maxReceiveCount: 5 };
    const { containers, happenings, queues, send } = await start(
      "/work",
      { environment: { DONE: done } },
      { visibilityTimeoutSeconds: 1, redrive },
    );
    queues.create({ ...QUEUE, name: "shop-dead" });
    const bodies = Array.from({ length: number }, (_, n) =>
      n % 50 === 7 ? `fail ${n}` : `ok ${n}`,
    );
    for (const body of bodies) send(body);

    const crashes = () =>
      happenings.filter((one) => one.type === "container" && one.state === "crashed").length;
    for (let kill = 0; kill < kills; kill += 1) {
      await expect.poll(() => containers.states[0]?.state).toBe("ready");
      await sleep(Math.random() * 200);
      const [{ pid } = {}] = containers.states;
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
      await expect.poll(crashes).toBe(kill + 1);
    }
    const left = () => {
      const { waiting, inFlight } = queues.counts(QUEUE.name);
      return waiting + inFlight;
    };
    await expect.poll(left, { timeout: 280_000 }).toBe(0);

    const lines = readFileSync(done, "utf8").trim().split("\n");
    const dead = queues.peek("shop-dead").map(({ body }) => body);
    const healthy = bodies.filter((body) => body.startsWith("ok"));
    const twice = lines.filter((line) => line.startsWith("ok")).length - healthy.length;
    console.log(
      `${number} messages, ${kills} kills, ${twice} done twice, ${dead.length} dead letters`,
    );
    expect(healthy.filter((body) => !lines.includes(body))).toEqual([]);
    expect(dead.sort()).toEqual(bodies.filter((body) => body.startsWith("fail")).sort());
  });
});
