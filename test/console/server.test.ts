import { mkdtemp, writeFile } from "node:fs/promises";
import { IncomingMessage, request, ServerResponse } from "node:http";
import { connect, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Live } from "../../packages/console/_live.ts";
import { readPage } from "../../packages/console/serve-page.ts";
import { Console, startConsole } from "../../packages/console/server.ts";
import { type Listening, listen } from "../../packages/local-cloud/support/listen.ts";
import { FakeSource, OVERVIEW, summary } from "./_source.ts";

let source: FakeSource;
let server: Listening;

beforeEach(async () => {
  source = new FakeSource();
  server = await startConsole(source, 0);
});
afterEach(() => server.close());

async function call(path: string, init?: RequestInit) {
  const response = await fetch(`${server.url}${path}`, init);
  const body = (await response.json()) as { readonly message: string };
  return { status: response.status, body };
}

function post(body: string, type = "application/json") {
  const headers = { "Content-Type": type };
  return call("/api/console/actions", { method: "POST", body, headers });
}

/** `fetch` sets these headers itself. */
function statusWith(headers: Readonly<Record<string, string>>, path = "/"): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${server.url}${path}`, { headers }, (response) => {
      resolve(response.resume().statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

/** The events of a stream as they come. */
async function openStream(path = "/api/console/events") {
  const controller = new AbortController();
  const response = await fetch(`${server.url}${path}`, { signal: controller.signal });
  const events: { event: string; data: unknown }[] = [];
  const reading = (async () => {
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = `${text}${chunk}`.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const [, event = "", data = ""] = block.match(/^event: (\w+)\ndata: (.*)$/) ?? [];
        events.push({ event, data: JSON.parse(data) });
      }
    }
  })().catch(() => {});
  const close = async () => {
    controller.abort();
    await reading;
  };
  const of = (name: string) => events.filter(({ event }) => event === name);
  return { response, of, close };
}

describe("the page", () => {
  test("is served with a policy that lets no other site frame it or add to it", async () => {
    const page = await fetch(server.url);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("content-security-policy")).toBe(
      "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    const headers = { "If-None-Match": page.headers.get("etag") ?? "" };
    const again = await fetch(server.url, { headers });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  test("is every file of its folder that a browser reads, and no other", async () => {
    const folder = await mkdtemp(join(tmpdir(), "page-"));
    for (const name of ["index.html", "own.js", "own.css", "tsconfig.json"]) {
      await writeFile(join(folder, name), name);
    }
    const page = readPage(folder);
    expect([...page.keys()].sort()).toEqual(["/", "/page/own.css", "/page/own.js"]);
    expect(page.get("/page/own.js")).toMatchObject({ type: "text/javascript; charset=utf-8" });
  });

  test("answers HEAD without a body", async () => {
    for (const path of ["/", "/api/console", "/api/console/tasks"]) {
      const response = await fetch(`${server.url}${path}`, { method: "HEAD" });
      expect([response.status, await response.text()]).toEqual([200, ""]);
    }
  });
});

describe("reading", () => {
  test("shows what the source knows", async () => {
    source.known = [summary("one")];
    expect(await call("/api/console")).toEqual({ status: 200, body: OVERVIEW });
    expect(await call("/api/console/tasks")).toMatchObject({
      body: { tasks: [{ id: "one" }], more: false },
    });
    expect(await call("/api/console/tasks/one")).toMatchObject({ body: { task: { id: "one" } } });
    expect(await call("/api/console/dead-letters")).toMatchObject({ body: { groups: [] } });
    expect(await call("/api/console/hour")).toMatchObject({ body: { from: 0 } });
  });

  test("passes the filter on", async () => {
    await call("/api/console/tasks?show=failed&search=a%20b&before=1700000000000&limit=20");
    const filter = { show: "failed", search: "a b", before: 1_700_000_000_000, limit: 20 };
    expect(source.filters).toEqual([filter]);
  });

  test.each(["show=some", "limit=0", "limit=10001", "limit=x", "before=-1"])(
    "rejects the filter %s, and names the field",
    async (query) => {
      const { status, body } = await call(`/api/console/tasks?${query}`);
      expect(status).toBe(400);
      expect(body.message).toMatch(new RegExp(`^${query.split("=")[0]}: `));
    },
  );

  test("decodes the id of a task; 404 for one that is not known", async () => {
    source.known = [summary("a/b")];
    expect((await call("/api/console/tasks/a%2Fb")).status).toBe(200);
    expect(await call("/api/console/tasks/none")).toEqual({
      status: 404,
      body: { message: "This task is not known, or no longer kept." },
    });
  });

  test.each([
    ["GET", "/nothing"],
    ["POST", "/"],
    ["POST", "/api/console"],
    ["GET", "/api/console/actions"],
    ["GET", "/api/console/tasks/"],
    ["GET", "/api/console/tasks/%E0%A4%A"],
    ["GET", "/page/serve-page.ts"],
    ["GET", "/page/..%2Fsource.ts"],
    ["DELETE", "/api/console/tasks/one"],
  ])("has nothing for %s %s", async (method, path) => {
    expect((await call(path, { method })).status).toBe(404);
    expect(source.asked).toEqual([]);
  });

  test("says why the source cannot answer", async () => {
    source.failure = new Error("The log cannot be read.");
    expect(await call("/api/console/hour")).toEqual({
      status: 500,
      body: { message: "The log cannot be read." },
    });
  });
});

describe("pages of other sites", () => {
  test("get nothing, by whatever name they come", async () => {
    expect(await statusWith({ host: "evil.example" })).toBe(403);
    expect(await statusWith({ origin: "https://evil.example" }, "/api/console/tasks")).toBe(403);
    expect(await statusWith({ "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await statusWith({ origin: server.url })).toBe(200);
    expect(source.asked).toEqual([]);
  });
});

describe("actions", () => {
  test.each([
    { kind: "again", id: "one" },
    { kind: "run", id: "one", args: [1, null], kwargs: { a: { b: 1 } } },
    { kind: "redrive", messageIds: ["m1"] },
    { kind: "delete", messageIds: ["m1", "m2"] },
    { kind: "fire", timer: "nightly" },
    { kind: "pause" },
  ])("does $kind", async (action) => {
    expect(await post(JSON.stringify(action), "application/json; charset=utf-8")).toEqual({
      status: 200,
      body: { id: "new", message: "Sent." },
    });
    expect(source.acted).toEqual([action]);
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["no kind", "{}"],
    ["an unknown kind", '{"kind":"purge"}'],
    ["a field too many", '{"kind":"pause","queue":"a"}'],
    ["no id", '{"kind":"again"}'],
    ["an empty id", '{"kind":"again","id":""}'],
    ["arguments that are no list", '{"kind":"run","id":"a","args":{},"kwargs":{}}'],
    ["keyword arguments that are no object", '{"kind":"run","id":"a","args":[],"kwargs":[]}'],
    ["no letters", '{"kind":"redrive","messageIds":[]}'],
  ])("answers 400 for %s", async (_what, body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.body.message).not.toBe("");
    expect(source.acted).toEqual([]);
  });

  test("names the field that is wrong", async () => {
    const { body } = await post('{"kind":"again","id":7}');
    expect(body.message).toBe("id: Invalid type: Expected string but received 7");
  });

  test.each(["text/plain", "application/jsonp", "application/x-www-form-urlencoded"])(
    "answers 415 for %s, which any site's form can send",
    async (type) => {
      expect(await post('{"kind":"pause"}', type)).toEqual({
        status: 415,
        body: { message: "Content-Type must be application/json." },
      });
      expect(source.acted).toEqual([]);
    },
  );

  test("answers 413 for more than a message can be", async () => {
    const { status } = await post(JSON.stringify({ kind: "again", id: "a".repeat(2 ** 20) }));
    expect(status).toBe(413);
  });

  test("answers 403 for what is not allowed", async () => {
    source.answer = { ...OVERVIEW, actions: ["fire"] };
    expect(await post('{"kind":"pause"}')).toEqual({
      status: 403,
      body: { message: '"pause" is not allowed here.' },
    });
    expect(source.acted).toEqual([]);
  });

  test("answers 409 with what cannot be done", async () => {
    source.failure = new Error("Queue shop-tasks-dead is empty.");
    expect(await post('{"kind":"pause"}')).toEqual({
      status: 409,
      body: { message: "Queue shop-tasks-dead is empty." },
    });
  });
});

describe("the stream", () => {
  test("sends what has changed, what changes together once and at once", async () => {
    source.known = [summary("one"), summary("two")];
    const stream = await openStream();
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");

    for (let time = 0; time < 100; time++) source.change("one", "gone", "two");
    await expect.poll(() => stream.of("tasks")).toEqual([{ event: "tasks", data: source.known }]);
    source.change("two");
    await expect.poll(() => stream.of("tasks")[1]?.data).toEqual([summary("two")]);

    expect(source.asked.filter((what) => what.startsWith("summaries"))).toEqual([
      "summaries one,gone,two",
      "summaries two",
    ]);
    await stream.close();
  });

  test("asks once, however many pages are open, and for nothing when none is", async () => {
    expect(source.subscribers).toBe(0);
    source.known = [summary("one")];
    const streams = await Promise.all([openStream(), openStream(), openStream()]);
    source.change("one");
    for (const { of } of streams) await expect.poll(() => of("tasks").length).toBe(1);

    expect(source.subscribers).toBe(1);
    expect(source.asked.filter((what) => what === "summaries one")).toHaveLength(1);
    await Promise.all(streams.map(({ close }) => close()));
    await expect.poll(() => source.subscribers).toBe(0);
  });

  test("goes on after the source has failed once", async () => {
    source.known = [summary("one")];
    const stream = await openStream();
    source.failure = new Error("no answer");
    source.change("one");
    await expect.poll(() => source.asked).toContain("summaries one");
    source.failure = undefined;
    source.change("one");

    await expect.poll(() => stream.of("tasks").length).toBe(1);
    await stream.close();
  });

  test("has nothing for HEAD", async () => {
    const response = await fetch(`${server.url}/api/console/events`, { method: "HEAD" });
    expect(response.status).toBe(404);
    expect(source.subscribers).toBe(0);
  });
});

describe("the stream's clock", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  test("pings every 15 seconds", async () => {
    const stream = await openStream();
    vi.advanceTimersByTime(14_999);
    vi.advanceTimersByTime(1);
    vi.advanceTimersByTime(15_000);

    await expect.poll(() => stream.of("ping").length).toBe(2);
    await stream.close();
  });

  test("sends the overview at first, and when it is another one", async () => {
    const stream = await openStream();
    await expect.poll(() => stream.of("overview").length).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    source.answer = { ...OVERVIEW, paused: true };
    await vi.advanceTimersByTimeAsync(5000);

    await expect
      .poll(() => stream.of("overview").map(({ data }) => data))
      .toEqual([OVERVIEW, source.answer]);
    await stream.close();
    await expect.poll(() => source.subscribers).toBe(0);
    const { length } = source.asked;
    await vi.advanceTimersByTimeAsync(5000);
    expect(source.asked).toHaveLength(length);
  });
});

test.each([
  { changes: 100, least: 15, most: 17 },
  { changes: 400, least: 4, most: 4 },
])("of $changes changes a second, $least to $most batches are sent", async (expected) => {
  vi.useFakeTimers();
  source.known = [summary("one")];
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const written = vi.spyOn(response, "write");
  new Live(source).open(response);
  const changing = setInterval(() => source.change("one"), 1000 / expected.changes);
  // What a second was like is known when it is over.
  await vi.advanceTimersByTimeAsync(2000);
  written.mockClear();
  await vi.advanceTimersByTimeAsync(1000);
  clearInterval(changing);
  response.emit("close");
  vi.useRealTimers();

  const { length } = written.mock.calls.filter(([text]) => String(text).includes("event: tasks"));
  expect(length).toBeGreaterThanOrEqual(expected.least);
  expect(length).toBeLessThanOrEqual(expected.most);
  expect(source.subscribers).toBe(0);
});

test("a page that reads too slowly is cut off", async () => {
  source.known = [summary("one", { args: "x".repeat(8 * 2 ** 20) })];
  const port = Number(new URL(server.url).port);
  const socket = connect(port, "127.0.0.1");
  socket.write("GET /api/console/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  // Reads nothing more.
  socket.on("error", () => {});
  await expect.poll(() => source.subscribers).toBe(1);
  await expect
    .poll(() => {
      source.change("one");
      return source.subscribers;
    })
    .toBe(0);
  socket.destroy();
});

test("another server answers what is none of the console's", async () => {
  const own = new Console(source);
  const both = await listen((message, response) => {
    if (!own.handle(message, response)) response.writeHead(418).end();
  }, 0);
  expect((await fetch(`${both.url}/api/tasks`)).status).toBe(418);
  expect((await fetch(`${both.url}/api/console`)).status).toBe(200);
  await both.close();
});
