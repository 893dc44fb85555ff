// From enqueue to stored result in the local cloud (trigger and push worker), against a real
// `celery worker -P solo` that consumes from the same local queue and stores into the same table: alone,
// and with the page open in a browser. One task after the other; the clock starts before the message is
// sent over HTTP and stops when the table has accepted the result. Pairs in alternating order:
// `node run.mjs bench/local.ts [pairs]`.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { makeExecEnvironment } from "../packages/local-cloud/containers/exec-environment.ts";
import { type LocalCloud, startLocalCloud } from "../packages/local-cloud/local-cloud.ts";
import { cacheDirectory } from "../scripts/lib/local/paths.ts";
import { celeryMessage } from "../test/local-cloud/_messages.ts";
import { synthesize } from "../test/local-cloud/stack/_synthesized.ts";
import { launchChromium } from "../test/support/chromium.ts";

const PAIRS = Number(process.argv[2] ?? 7);
const TASKS = 200;
const WARM_UP = 30;
const ROOT = process.cwd();
const SHOP = join("test", "local-cloud", "shop");
const REQUIREMENTS = "requirements-worker.txt";
const CACHE = `${cacheDirectory(ROOT)}-bench`;
const directory = mkdtempSync(join(tmpdir(), "bench-"));

interface Times {
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
}

const cloud = await startLocalCloud({
  stack: await synthesize({
    celeryApp: "tasks:app",
    image: { context: SHOP, requirements: REQUIREMENTS },
    web: { command: ["python", "web.py"] },
  }),
  ...{ root: ROOT, cache: CACHE, buckets: directory },
  ports: { site: 0, queue: 0, tables: 0, control: 0 },
});
await cloud.ready;
cloud.togglePause();
const compared = {
  "local cloud": await compare(measureOurs, measureWorker),
  "with the page open": await compare(measureWithPage, measureWorker),
};
await cloud.stop();
for (const [ours, pairs] of Object.entries(compared)) {
  for (const what of ["p50", "p95"] as const) {
    const time = (index: 0 | 1) => median(pairs.map((pair) => pair[index][what])).toFixed(1);
    const ratio = median(pairs.map(([one, other]) => one[what] / other[what]));
    console.log(
      `${what}: ${ours} ${time(0)} ms, celery worker ${time(1)} ms; ratio, median of ${PAIRS} pairs: ${ratio.toFixed(2)} (wanted: 1 at most)`,
    );
  }
}

/** Pairs in alternating order, the first measure's times first. */
async function compare(
  first: () => Promise<Times>,
  second: () => Promise<Times>,
): Promise<readonly (readonly [Times, Times])[]> {
  const pairs: (readonly [Times, Times])[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const isTurned = pair % 2 === 1;
    const one = await (isTurned ? second : first)();
    const other = await (isTurned ? first : second)();
    pairs.push(isTurned ? [other, one] : [one, other]);
  }
  return pairs;
}

/** The local cloud while somebody watches. */
async function measureWithPage(): Promise<Times> {
  const browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(cloud.addresses.control);
  await page.locator("#live[data-is=live]").waitFor();
  const times = await measureOurs();
  await browser.close();
  return times;
}

async function measureOurs(): Promise<Times> {
  cloud.togglePause();
  const times = await measure(cloud);
  cloud.togglePause();
  return times;
}

async function measureWorker(): Promise<Times> {
  const worker = await startWorker(cloud);
  const times = await measure(cloud);
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  worker.kill("SIGTERM");
  await ended;
  return times;
}

async function startWorker(cloud: LocalCloud): Promise<ChildProcess> {
  const [spec] = cloud.blueprint().containers;
  if (spec === undefined) throw new Error("The stack has no container.");
  const { cwd, env } = await makeExecEnvironment({
    ...{ spec, root: ROOT, cache: CACHE, secrets: {} },
    ...{ progress: () => {}, warn: () => {}, signal: new AbortController().signal },
  });
  const quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"];
  return spawn("python", ["-m", "celery", "-A", "tasks", "worker", "-P", "solo", ...quiet], {
    // With a key that may receive.
    ...{ cwd, env: { ...env, ...cloud.environment() }, stdio: "ignore" },
  });
}

async function measure(cloud: LocalCloud): Promise<Times> {
  for (let task = 0; task < WARM_UP; task++) await runTask(cloud);
  const times: number[] = [];
  for (let task = 0; task < TASKS; task++) times.push(await runTask(cloud));
  times.sort((one, other) => one - other);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95) };
}

/** Milliseconds from before the message is sent until its result is stored. */
async function runTask(cloud: LocalCloud): Promise<number> {
  const { addresses, events } = cloud;
  const id = randomUUID();
  const MessageBody = celeryMessage(["/dev/null", "x"], { id });
  const stored = new Promise<number>((resolve) => {
    const stop = events.subscribe((event) => {
      if (event.type !== "stored" || event.taskId !== id || event.state !== "SUCCESS") return;
      stop();
      resolve(performance.now());
    });
  });
  const start = performance.now();
  const response = await fetch(addresses.queue, {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.0",
      "X-Amz-Target": "AmazonSQS.SendMessage",
    },
    body: JSON.stringify({ QueueUrl: cloud.environment().SQS_QUEUE, MessageBody }),
  });
  if (!response.ok) throw new Error(`The message was refused: ${await response.text()}`);
  return (await stored) - start;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
