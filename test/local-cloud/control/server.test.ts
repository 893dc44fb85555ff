import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  clientEnvironment,
  formatExports,
} from "../../../packages/local-cloud/control/client-environment.ts";
import { startControl } from "../../../packages/local-cloud/control/server.ts";
import { EventStore } from "../../../packages/local-cloud/events/store.ts";
import type { PeekedMessage } from "../../../packages/local-cloud/queue/queues.ts";
import type { Listening } from "../../../packages/local-cloud/support/listen.ts";
import { parseRun } from "../../../packages/task-history/saved-run.ts";
import { Tasks } from "../../../packages/task-history/tasks.ts";
import { FakeSource } from "../../console/_source.ts";
import { read } from "../stack/_synthesized.ts";

const LETTER: PeekedMessage = {
  ...{ messageId: "m1", body: "{}", bytes: 2, sentAt: 1000, receiveCount: 3 },
  ...{ state: "waiting", attributes: {} },
};

let events: EventStore;
let server: Listening;

beforeEach(async () => {
  events = new EventStore();
  server = await startControl({
    ...{ events, port: 0, run: "run1", source: new FakeSource() },
    timers: () => ["nightly"],
    fire: async () => 200,
    peek: (queue) => (queue === "shop-tasks-dead" ? [LETTER] : undefined),
    describe: () => ({ project: "shop" }),
  });
});
afterEach(() => server.close());

function fireTimer(sequence: number): void {
  events.report({ type: "timer", timer: `timer-${sequence}`, status: 200, byHand: false });
}

function store(taskId: string, state: string): void {
  events.report({ type: "stored", table: "celery", taskId, state });
}

async function call(path: string, init?: RequestInit) {
  const response = await fetch(`${server.url}${path}`, init);
  return { status: response.status, body: await response.json() };
}

/** `fetch` would repair such a path. */
function statusOf(method: string, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, method, path }, (response) => {
      resolve(response.resume().statusCode);
    })
      .on("error", reject)
      .end();
  });
}

describe("startControl", () => {
  test("tells what runs", async () => {
    expect(await call("/api/cloud")).toEqual({ status: 200, body: { project: "shop" } });
  });

  test("serves the page and what it reads", async () => {
    expect(await (await fetch(server.url)).text()).toContain("/page/main.js");
    expect(await call("/api/console")).toMatchObject({ body: { title: "shop" } });
  });

  test("lists tasks, the last changed first", async () => {
    store("one", "SUCCESS");
    store("two", "FAILURE");

    expect(await call("/api/tasks")).toMatchObject({
      body: { tasks: [{ id: "two" }, { id: "one" }] },
    });
    expect(await call("/api/tasks?failed=1")).toMatchObject({ body: { tasks: [{ id: "two" }] } });
    expect(await call("/api/tasks?limit=1")).toMatchObject({ body: { tasks: [{ id: "two" }] } });
    expect(await call("/api/tasks/one")).toMatchObject({ body: { id: "one", state: "ok" } });
    expect((await call("/api/tasks/none")).status).toBe(404);
  });

  test("lists tasks by a part of their names, and by the one from which they descend", async () => {
    for (const [id, name, rootId] of [
      ["one", "shop.pay", "one"],
      ["two", "shop.mail", "one"],
    ] as const) {
      const task = { id, name, rootId, args: [], kwargs: {}, retries: 0 };
      const message = { queue: "tasks", messageId: `m-${id}`, bytes: 1, delaySeconds: 0 };
      events.report({ type: "published", ...message, task });
    }
    store("other", "SUCCESS");

    expect(await call("/api/tasks?name=mail")).toMatchObject({ body: { tasks: [{ id: "two" }] } });
    expect(await call("/api/tasks?root=one")).toMatchObject({
      body: { tasks: [{ id: "two" }, { id: "one" }] },
    });
  });

  test("gives the whole run as a file that can be opened again", async () => {
    store("one", "SUCCESS");
    store("two", "FAILURE");
    const response = await fetch(`${server.url}/api/run`);

    const tasks = new Tasks();
    for (const fact of parseRun(await response.text()).facts) tasks.take(fact);
    expect(tasks.list(Date.now())).toEqual(events.tasks());
  });

  test("fires a timer", async () => {
    expect(await call("/api/timers/nightly", { method: "POST" })).toEqual({
      status: 200,
      body: { status: 200 },
    });
    expect(await call("/api/timers/daily", { method: "POST" })).toEqual({
      status: 404,
      body: { message: 'Timer "daily" is not in the stack (known: nightly).' },
    });
  });

  test.each([
    ["GET", "/api/nothing", 404],
    ["POST", "/api/tasks", 404],
    ["POST", "/", 404],
    ["DELETE", "/api/tasks", 405],
  ])("has no %s %s", async (method, path, status) => {
    expect((await call(path, { method })).status).toBe(status);
  });

  test.each([
    ...["/%", "/api/%", "/api/tasks/%", "/api/timers/%E0%A4%A", "/%zz", "///", "//", "//["],
    ...["///api/tasks", "//api/tasks", "/api//tasks", "*"],
  ])("has nothing at %s", async (path) => {
    expect(await statusOf("GET", path)).toBe(404);
    expect(await statusOf("POST", path)).toBe(404);
  });

  test("answers pages of other sites with 403", async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { host: "evil.example" };
      request(`${server.url}/api/tasks`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(403);
    const headers = { origin: "https://evil.example" };
    expect((await call("/api/timers/nightly", { method: "POST", headers })).status).toBe(403);
  });
});

describe("GET /api/events", () => {
  /** Reads events until there are so many. */
  async function readEvents(count: number, lastId?: string): Promise<string[]> {
    const headers = lastId === undefined ? undefined : { "Last-Event-ID": lastId };
    const response = await fetch(`${server.url}/api/events`, { headers });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const blocks = text.split("\n\n").slice(0, -1);
      if (blocks.length >= count) return blocks;
    }
    return [];
  }

  test("sends what has happened and what happens", async () => {
    fireTimer(1);
    const reading = readEvents(3);
    fireTimer(2);
    setTimeout(() => fireTimer(3), 100);

    const [first = "", , third] = await reading;

    expect(first).toMatch(/^id: run1\.1\ndata: \{.*"timer":"timer-1".*"sequence":1,/);
    expect(third).toContain("timer-3");
  });

  test("goes on where a reader was", async () => {
    for (const sequence of [1, 2, 3]) fireTimer(sequence);

    expect((await readEvents(1, "run1.2"))[0]).toContain("timer-3");
  });

  test("begins again for a reader of another run, whose numbers mean nothing here", async () => {
    fireTimer(1);

    expect((await readEvents(1, "run0.7"))[0]).toContain("timer-1");
  });
});

describe("clientEnvironment", () => {
  test("is what the worker has, with keys and without what is the container's own", async () => {
    const environment = clientEnvironment(await read(), "http://localhost:8000");

    expect(environment).toMatchObject({
      SITE_URL: "http://localhost:8000",
      AWS_ENDPOINT_URL_SQS: "http://localhost:9324",
      AWS_ENDPOINT_URL_DYNAMODB: "http://localhost:8001",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      CELERY_APP: "shop.celery:app",
    });
    expect(environment).not.toHaveProperty("ALLOWED_HOSTS");
    expect(environment).not.toHaveProperty("REVISION_FINGERPRINT");
  });

  test("stands in a shell as it is", () => {
    expect(formatExports({ A: "http://localhost:1/x?y=1", B: "it's $5" })).toEqual([
      "export A=http://localhost:1/x?y=1",
      "export B='it'\\''s $5'",
    ]);
  });
});

test("shows what is in a queue", async () => {
  expect(await call("/api/messages/shop-tasks-dead")).toEqual({
    status: 200,
    body: { messages: [LETTER] },
  });
  expect(await call("/api/messages/other")).toEqual({
    status: 404,
    body: { message: 'Queue "other" is not in the stack.' },
  });
});
