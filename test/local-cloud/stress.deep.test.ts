import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchGetItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { expect, onTestFinished, test } from "vitest";
import { type LocalCloud, startLocalCloud } from "../../packages/local-cloud/local-cloud.ts";
import { decodeTask } from "../../packages/task-history/decode-task.ts";
import { cacheDirectory } from "../../scripts/lib/local/paths.ts";
import { sampled } from "../support/sample.ts";
import { ROOT } from "../support/sources.ts";
import { celeryMessage } from "./_messages.ts";
import { SHOP } from "./_project.ts";
import { synthesize } from "./stack/_synthesized.ts";

const TASKS = sampled("tasks while their worker is killed", 200, 5_000);
const POISONED = TASKS / 40;
const TASKS_PER_KILL = Math.max(25, TASKS / 60);
const DUPLICATES = TASKS / 10;
const MAX_SECONDS = process.env.DEEP ? 0.02 : 0.1;
const CLIENT = {
  region: "ru-central1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
};

const directory = mkdtempSync(join(tmpdir(), "stress-"));
const notes = join(directory, "notes.txt");

test(`${TASKS} tasks and ${DUPLICATES} duplicates while workers are killed: none is lost, dead letters are exact`, async () => {
  const cloud = await startShop();
  const good = Array.from({ length: TASKS - POISONED }, (_, index) => `good-${index}`);
  const bad = Array.from({ length: POISONED }, (_, index) => `bad-${index}`);
  const messages = shuffled([
    ...good.map((id) => celeryMessage([notes, id, Math.random() * MAX_SECONDS], { id })),
    ...bad.map((id) => celeryMessage([], { id, task: "tasks.of_yesterday" })),
  ]);
  const sent = [...messages, ...messages.slice(0, DUPLICATES)];

  const kills = await killWorkers(cloud, send(cloud, sent));
  await until(cloud, ({ waiting, inFlight }) => waiting + inFlight === 0);

  console.log(`${TASKS} tasks, ${DUPLICATES} duplicates, ${kills} kills`);
  expect(kills).toBeGreaterThan(0);
  expect(await statesOf(cloud, good)).toEqual(new Set(["SUCCESS"]));
  expect(new Set(tracesOf())).toEqual(new Set(good));
  const dead = sent.map((body) => decodeTask(body)?.id ?? "").filter((id) => id.startsWith("bad"));
  expect((await deadLetters(cloud)).sort()).toEqual(dead.sort());
}, 900_000);

async function startShop(): Promise<LocalCloud> {
  const stack = await synthesize({
    celeryApp: "tasks:app",
    image: { context: SHOP },
    web: { command: ["python", "web.py"] },
    worker: { concurrency: 2, timeoutSeconds: 30 },
    env: { WEB_CONCURRENCY: "2" },
  });
  const cloud = await startLocalCloud({
    // Messages of a killed worker come back soon, and those that cannot be done die soon.
    stack: hasten(stack),
    root: ROOT,
    cache: cacheDirectory(ROOT),
    buckets: directory,
    data: join(directory, "data"),
    ports: { site: 0, queue: 0, tables: 0, control: 0 },
  });
  onTestFinished(() => cloud.stop());
  await cloud.ready;
  expect(cloud.down()).toEqual([]);
  return cloud;
}

function hasten(stack: string): string {
  return stack
    .replace(/"visibility_timeout_seconds": \d+/, '"visibility_timeout_seconds": 2')
    .replace(/maxReceiveCount\W+10/, (text) => text.replace("10", "6"));
}

async function send(cloud: LocalCloud, bodies: readonly string[]) {
  const client = new SQSClient({ ...CLIENT, endpoint: cloud.addresses.queue });
  for (let start = 0; start < bodies.length; start += 10) {
    const Entries = bodies
      .slice(start, start + 10)
      .map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    const command = new SendMessageBatchCommand({
      QueueUrl: cloud.environment().SQS_QUEUE,
      Entries,
    });
    expect((await client.send(command)).Successful).toHaveLength(Entries.length);
  }
}

/** Kills the worker, or one of its processes, whenever it has done some tasks, until few are left. */
async function killWorkers(cloud: LocalCloud, sent: Promise<void>): Promise<number> {
  let kills = 0;
  let doneBefore = 0;
  let over = false;
  const little = sent
    .then(() => until(cloud, ({ waiting }) => waiting < TASKS / 10))
    .finally(() => {
      over = true;
    });
  while (!over) {
    await sleep(Math.random() * 100);
    const group = readyWorker(cloud);
    const done = tracesOf().length;
    if (group === undefined || done < doneBefore + TASKS_PER_KILL) continue;
    doneBefore = done;
    const { stdout } = spawnSync("pgrep", ["-g", String(group), "python"], { encoding: "utf8" });
    const victims = [-group, ...stdout.split("\n").filter(Boolean).map(Number)];
    process.kill(victims[kills % victims.length] ?? -group, "SIGKILL");
    kills++;
  }
  await little;
  return kills;
}

/** The tasks that have been executed, one as often as it was. */
function tracesOf(): string[] {
  return existsSync(notes) ? readFileSync(notes, "utf8").split("\n").filter(Boolean) : [];
}

/** The process group of the worker, while it is ready. */
function readyWorker({ events }: LocalCloud): number | undefined {
  const changes = events
    .since(0)
    .filter((event) => event.type === "container")
    .filter(({ container }) => container === "shop-worker");
  const last = changes.at(-1);
  return last?.state === "ready" ? last.pid : undefined;
}

/** Waits until the queue of tasks stands so. */
async function until(
  { addresses }: LocalCloud,
  holds: (queue: { readonly waiting: number; readonly inFlight: number }) => boolean,
): Promise<void> {
  for (;;) {
    const response = await fetch(`${addresses.control}/api/cloud`);
    const { queues } = (await response.json()) as {
      readonly queues: readonly { name: string; waiting: number; inFlight: number }[];
    };
    const tasks = queues.find(({ name }) => name === "shop-tasks");
    if (tasks && holds(tasks)) return;
    await sleep(100);
  }
}

async function statesOf({ addresses }: LocalCloud, ids: readonly string[]): Promise<Set<string>> {
  const client = new DynamoDBClient({ ...CLIENT, endpoint: addresses.tables });
  const states = new Set<string>();
  for (let start = 0; start < ids.length; start += 100) {
    const chunk = ids.slice(start, start + 100);
    const Keys = chunk.map((id) => ({ id: { S: `b'celery-task-meta-${id}'` } }));
    const answer = await client.send(
      new BatchGetItemCommand({ RequestItems: { celery: { Keys } } }),
    );
    const items = answer.Responses?.celery ?? [];
    if (items.length < chunk.length) states.add(`${chunk.length - items.length} without a result`);
    for (const { result } of items) {
      states.add(JSON.parse(Buffer.from(result?.B ?? []).toString()).status);
    }
  }
  return states;
}

async function deadLetters({ addresses }: LocalCloud): Promise<string[]> {
  const client = new SQSClient({ ...CLIENT, endpoint: addresses.queue });
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: "shop-tasks-dead" }));
  const ids: string[] = [];
  for (;;) {
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
    const { Messages = [] } = await client.send(command);
    if (Messages.length === 0) return ids;
    ids.push(...Messages.map(({ Body = "" }) => decodeTask(Body)?.id ?? Body));
  }
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}
