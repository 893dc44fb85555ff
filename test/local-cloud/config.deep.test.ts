import { readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { celeryMessage } from "./_messages.ts";
import { Project, type Running, SHOP } from "./_project.ts";

const CONFIG = `
  celeryApp: "tasks:app",
  image: { context: ${JSON.stringify(SHOP)} },
  web: { command: ["python", "web.py"] },
`;

const ROUTES = `openapi: "3.0.3"
info: { title: shop, version: "1" }
paths:
  /ping:
    get:
      x-yc-apigateway-integration: { type: dummy, http_code: 200, content: { text/plain: pong } }
  /{rest+}:
    get: { parameters: [{ name: rest, in: path, required: true, schema: { type: string } }] }
`;

const TIMER = {
  name: "nightly",
  cron: "0 3 ? * * *",
  payload: JSON.stringify({ task: "tasks.note", args: ["notes.txt", "fired"] }),
};

const project = new Project(CONFIG);
const notes = join(project.dir, "notes.txt");
let running: Running;
let urls: Awaited<ReturnType<Running["urls"]>>;

beforeAll(async () => {
  running = project.start("--json", "--watch");
  urls = await running.urls();
});
afterAll(() => project.close());

test("a changed config.ts changes what runs, while it runs", async () => {
  expect(await text("/ping")).toBe("hello");
  expect(await cloud()).toMatchObject({ queueTriggers: [{ batchSize: 1 }], timers: [] });

  project.write("openapi.yaml", ROUTES);
  const timer = { ...TIMER, payload: TIMER.payload.replace("notes.txt", notes) };
  project.write("schedule.json", JSON.stringify({ version: 1, timers: [timer] }));
  project.configure(`${CONFIG}
    env: { GREETING: "good day" }, openapi: "openapi.yaml", schedule: "schedule.json",
    batchSize: 5, batchCutoffSeconds: 2, worker: { timeoutSeconds: 2 },
  `);
  await running.until({ type: "note", text: "restarted" });

  // A route, and the environment of what is behind another one.
  expect(await text("/ping")).toBe("pong");
  expect(await text("/else")).toBe("good day");
  // The schedule.
  const [{ name = "" } = {}] = (await cloud()).timers;
  const fired = await fetch(`${urls.control}/api/timers/${name}`, { method: "POST" });
  expect(await fired.json()).toEqual({ status: 200 });
  await running.until({ type: "task", name: "tasks.note", outcome: "ok" });
  expect(readFileSync(notes, "utf8")).toBe("fired\n");
  // The batch.
  await send(Array.from({ length: 5 }, (_, index) => celeryMessage([notes, `batch ${index}`])));
  const invoked = await firstEvent("invoked", ({ messageIds }) => messageIds.length > 1);
  expect(invoked.messageIds).toHaveLength(5);
  // The timeout.
  await send([celeryMessage([notes, "too long", 10])]);
  expect(await running.until({ type: "task", outcome: "back" })).toMatchObject({ status: 504 });
});

test("changed sources restart the containers", async () => {
  const notesSoFar = restarts();
  const now = new Date();

  utimesSync(join(SHOP, "web.py"), now, now);

  while (restarts() === notesSoFar) await running.next();
  expect(await text("/else")).toBe("good day");
});

test("a mistake in config.ts is said, and what runs goes on", async () => {
  project.configure(`${CONFIG} batchSize: 99,`);
  while (!running.stdout.includes("batchSize")) await running.next();

  expect(await text("/else")).toBe("good day");
});

function restarts(): number {
  return running.lines.filter((line) => line.text === "restarted").length;
}

async function text(path: string): Promise<string> {
  return await (await fetch(`${urls.site}${path}`)).text();
}

async function cloud() {
  const response = await fetch(`${urls.control}/api/cloud`);
  return (await response.json()) as {
    readonly environment: Readonly<Record<string, string>>;
    readonly timers: readonly { readonly name: string }[];
  };
}

async function send(bodies: readonly string[]): Promise<void> {
  const { environment } = await cloud();
  const client = new SQSClient({
    region: "ru-central1",
    endpoint: urls.queue,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
  await client.send(new SendMessageBatchCommand({ QueueUrl: environment.SQS_QUEUE, Entries }));
}

/** Reads the events as a page does, up to the one that is looked for. */
async function firstEvent(
  type: string,
  fits: (event: { readonly messageIds: readonly string[] }) => boolean,
) {
  const response = await fetch(`${urls.control}/api/events`);
  let rest = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "{}");
      if (event.type === type && fits(event)) return event;
    }
  }
  throw new Error(`No ${type} event came.`);
}
