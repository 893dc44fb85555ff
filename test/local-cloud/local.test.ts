import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { areGone, EXAMPLE, isAlive, Project, type Running } from "./_project.ts";
import { signIn } from "./_site.ts";

const CONFIG = `
  celeryApp: "shop.celery:app",
  env: { DJANGO_SETTINGS_MODULE: "shop.settings" },
  image: { context: ${JSON.stringify(EXAMPLE)} },
`;

const project = new Project(CONFIG);
afterAll(() => project.close());

describe("npm run local", () => {
  let running: Running;
  let urls: Awaited<ReturnType<Running["urls"]>>;

  beforeAll(async () => {
    running = project.start("--json");
    urls = await running.urls();
  });

  test("serves the page, whose form starts a job, whose result it shows", async () => {
    const visitor = await signIn(urls.site);

    expect((await visitor.post("/start/count")).status).toBe(302);
    const done = await running.until({ type: "task", name: "jobs.tasks.count_primes" });
    const page = await (await visitor.get("/")).text();

    expect(done).toMatchObject({ outcome: "ok", args: [0, 200_000], attempt: 1 });
    expect(page).toContain('<p class="result">17,984</p>');
  });

  test("tells each attempt of a task that fails, and what was logged of it", async () => {
    const visitor = await signIn(urls.site);

    await visitor.post("/start/fail");
    const failed = await running.until({ type: "task", outcome: "failed" });

    const outcomes = running.lines.filter(({ id }) => id === failed.id);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["retry", "retry", "failed"]);
    expect(failed).toMatchObject({
      attempt: 3,
      error: { type: "ConnectionError", message: "The supplier does not answer (attempt 3)" },
      log: expect.arrayContaining([
        expect.objectContaining({ level: "error", message: expect.stringContaining("raised") }),
      ]),
    });
  });

  test("lists its tasks to another process", async () => {
    const { stdout } = await project.run("tasks", "--failed", "--json");

    expect(
      stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { name: "jobs.tasks.ask_supplier", state: "failed", kwargs: { answers_at: 99 } },
    ]);
    expect((await project.run("tasks")).stdout).toMatch(
      / ok +jobs\.tasks\.count_primes +0 200000 /,
    );
  });

  test("prints variables for other programs", async () => {
    const { stdout } = await project.run("env");

    expect(stdout).toContain(`export AWS_ENDPOINT_URL_SQS=${urls.queue}\n`);
    expect(stdout).toContain(`export SITE_URL=${urls.site}\n`);
  });

  test("finds other ports for a second one in the same folder, and says so", async () => {
    // The first has another itself where a test beside this one had the usual one.
    const held = urls.site.endsWith(":8000") ? undefined : await hold(8000);
    const second = await project.run("--once", "echo $SITE_URL; exit 7");
    held?.close();

    expect(second.stdout.trim()).toMatch(/^http:\/\/localhost:\d+$/);
    expect(second.stdout.trim()).not.toBe(urls.site);
    expect(second.stderr).toContain(`Another  runs in this folder too: ${urls.site}`);
    expect(second.stderr).toMatch(/Ports {4}8000.* taken, \d+.* instead/);
    expect(await second.end).toBe(7);
  });

  test("ends at Ctrl-C and leaves no process", async () => {
    expect(running.pids().every(isAlive)).toBe(true);

    running.signal("SIGINT");

    expect(await running.end).toBe(0);
    await areGone(running.pids());
    expect((await project.run("tasks")).stderr).toBe(
      "No local cloud runs in this folder. Start one: npm run local\n",
    );
  });
});

test("npm run local -- --data keeps what was accepted, even if it is killed", async () => {
  const killed = project.start("--json", "--data", "kept");
  const visitor = await signIn((await killed.urls()).site);
  await visitor.post("/start/remind");

  killed.signal("SIGKILL");
  await killed.end;
  const restarted = project.start("--json", "--data", "kept");

  const done = await restarted.until({ type: "task", name: "jobs.tasks.remind" });
  expect(done).toMatchObject({ outcome: "ok", args: ["Ann"] });
  // Whoever watches over a process sees that its owner is gone.
  await areGone(killed.pids());
});

/** Listens on a port as soon as it is free, so that nobody else can. */
async function hold(port: number): Promise<Server> {
  for (;;) {
    const server = createServer().listen(port, "127.0.0.1");
    const error = await once(server, "listening").then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    );
    if (error === undefined) return server;
    if (error.code !== "EADDRINUSE") throw error;
    await sleep(50);
  }
}
