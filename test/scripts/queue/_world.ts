import { randomUUID } from "node:crypto";
import type { MessageAttributes } from "../../../packages/local-cloud/queue/message.ts";
import { Queues } from "../../../packages/local-cloud/queue/queues.ts";
import { startQueueServer } from "../../../packages/local-cloud/queue/server.ts";
import { defaultSettings } from "../../../packages/local-cloud/queue/settings.ts";
import { type Clock, realClock } from "../../../packages/local-cloud/support/clock.ts";
import { QueueClient } from "../../../scripts/lib/queue/client.ts";
import type { Reader } from "../../../scripts/lib/queue/letters.ts";
import type { StageQueue } from "../../../scripts/lib/queue/stage-queues.ts";
import { type FakeOptions, type FakeSystem, fakeSystem } from "../_system.ts";

/**
 * What becomes of a request: it is turned away, lost on its way, carried out and then not answered,
 * carried out and answered by 500, or the process is gone, before it was sent or before the answer.
 */
export type Fault = "throttled" | "lost" | "unanswered" | "failed" | "died before" | "died after";

export const NAMES = ["default", "heavy"] as const;
const KEY = { accessKeyId: "key", secretAccessKey: "secret" };

/** A stage's queues, served as the local cloud serves them, with a person who reads them. */
export interface World {
  readonly queues: Queues;
  readonly stage: readonly StageQueue[];
  readonly system: FakeSystem;
  readonly reader: Reader;
  readonly stop: AbortController;
  /** The actions that were asked for, in order. */
  readonly asked: string[];
  /** Decides about each request to the queues, counted from 0. */
  fault: (action: string, number: number) => Fault | undefined;
  /** Resolves once the process has died. */
  readonly died: Promise<void>;
  /** A reader that begins anew, as another process would. */
  restart(): World;
  /** Lets time go by for the queues. */
  pass(seconds: number): void;
  /** All bodies in a queue, sorted, without a look that counts. */
  bodies(queue: string): string[];
  close(): Promise<void>;
}

const servers = new Set<() => Promise<void>>();

/** Closes all that the tests of a file have opened. */
export async function closeWorlds(): Promise<void> {
  for (const close of servers) await close();
  servers.clear();
}

export async function newWorld(options: FakeOptions = {}): Promise<World> {
  let offset = 0;
  const clock: Clock = {
    now: () => Date.now() + offset,
    setTimer: (at, act) => realClock.setTimer(at - offset, act),
  };
  const queues = new Queues({ clock, report: () => {} });
  for (const name of NAMES) {
    queues.create({ ...defaultSettings(`${name}-dead`), retentionSeconds: 1_209_600 });
    queues.create(defaultSettings(name));
  }
  const server = await startQueueServer({ queues, port: 0, report: () => {} });
  const close = async () => {
    queues.close();
    await server.close();
  };
  servers.add(close);
  const address = `http://127.0.0.1:${server.port}`;
  const stage = NAMES.map((name) => ({
    name,
    url: queues.urlOf(name, address),
    deadLetterUrl: queues.urlOf(`${name}-dead`, address),
  }));
  const open = (): World => {
    const stop = new AbortController();
    let die = () => {};
    const died = new Promise<void>((resolve) => {
      die = resolve;
    });
    const asked: string[] = [];
    const system = fakeSystem(options);
    const ask: FakeSystem["fetch"] = async (url, init) => {
      if (!url.startsWith(address)) return await system.fetch(url, init);
      const action = new URLSearchParams(String(init?.body)).get("Action") ?? "";
      const fault = world.fault(action, asked.push(action) - 1);
      return await suffer(fault, () => fetch(url, { ...init, body: impatient(init) }), die);
    };
    const wired = { ...system, fetch: ask };
    const client = new QueueClient(wired, KEY, stop.signal);
    const world: World = {
      ...{ queues, stage, asked, died, stop, system, close },
      reader: { system: wired, client, stop: stop.signal },
      fault: () => undefined,
      restart: open,
      pass: (seconds) => {
        offset += seconds * 1000;
      },
      bodies: (queue) =>
        queues
          .peek(queue)
          .map(({ body }) => body)
          .sort(),
    };
    return world;
  };
  return open();
}

/** No test waits for a queue that has nothing. */
function impatient(init: RequestInit | undefined): string {
  return String(init?.body).replace("WaitTimeSeconds=1", "WaitTimeSeconds=0");
}

async function suffer(
  fault: Fault | undefined,
  send: () => Promise<Response>,
  die: () => void,
): Promise<Response> {
  if (fault === "throttled") return refusal(403, "ThrottlingException");
  if (fault === "lost") throw new TypeError("fetch failed");
  if (fault === "died before") return gone(die);
  const answer = await send();
  if (fault === "died after") return gone(die);
  if (fault === "unanswered") throw new TypeError("fetch failed");
  return fault === "failed" ? refusal(500, "InternalFailure") : answer;
}

// What a dead process waits for never comes.
function gone(die: () => void): Promise<never> {
  die();
  return new Promise(() => {});
}

function refusal(status: number, code: string): Response {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>as asked</Message></Error>`;
  return new Response(`<ErrorResponse>${error}<RequestId>1</RequestId></ErrorResponse>`, {
    status,
  });
}

/** A message of Celery's, as kombu writes it into a queue. */
export function celery(task: string, args: readonly unknown[] = [], id: string = randomUUID()) {
  const content = Buffer.from(JSON.stringify([args, {}, {}])).toString("base64");
  const envelope = {
    body: content,
    "content-type": "application/json",
    headers: { task, id, retries: 0 },
    properties: { body_encoding: "base64", correlation_id: id },
  };
  return Buffer.from(JSON.stringify(envelope)).toString("base64");
}

/** Puts letters among the dead ones of a queue, in order. */
export function bury(
  { queues }: World,
  queue: string,
  bodies: readonly string[],
  attributes: MessageAttributes = {},
): string[] {
  return bodies.map((body) => queues.send(`${queue}-dead`, { body, attributes }).messageId);
}
