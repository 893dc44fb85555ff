import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startQueueServer } from "../../../packages/local-cloud/queue/server.ts";
import type { Listening } from "../../../packages/local-cloud/support/listen.ts";
import { type Bench, makeQueues, spec } from "./support.ts";

let bench: Bench;
let server: Listening;
let socket: Socket;
let received = "";

beforeEach(async () => {
  bench = makeQueues([spec("tasks")]);
  server = await startQueueServer({ queues: bench.queues, port: 0, report: () => undefined });
  socket = connect(server.port, "127.0.0.1");
  received = "";
  socket.setEncoding("utf8").on("data", (chunk) => {
    received += chunk;
  });
});
afterEach(async () => {
  socket.destroy();
  await server.close();
});

const bodies = () => bench.queues.peek("tasks").map(({ body }) => body);
const form = (body: string) => `Action=SendMessage&MessageBody=${body}`;

function request(body: string, headers: readonly string[] = [], method = "POST"): string {
  const length = Buffer.byteLength(body);
  const head = [`${method} /c/i/tasks HTTP/1.1`, "Host: localhost", `Content-Length: ${length}`];
  return `${[...head, ...headers].join("\r\n")}\r\n\r\n${body}`;
}

/** The statuses of the answers, once there are so many. */
async function statuses(count: number): Promise<readonly string[]> {
  for (;;) {
    const found = received.match(/HTTP\/1\.1 \d{3}/g) ?? [];
    if (found.length >= count) return found.map((line) => line.slice(-3));
    await new Promise((resolve) => setImmediate(resolve));
    if (socket.destroyed) return found.map((line) => line.slice(-3));
  }
}

describe("requests of whatever shape, on one connection", () => {
  test("one after the other", async () => {
    for (const count of [1, 2, 3]) {
      socket.write(request(form(String(count))));
      await statuses(count);
    }
    expect(bodies()).toEqual(["1", "2", "3"]);
  });

  test("many at once, answered in order", async () => {
    const all = Array.from({ length: 500 }, (_, index) => String(index));
    socket.write(all.map((body) => request(form(body))).join(""));
    expect(await statuses(500)).toEqual(all.map(() => "200"));
    expect(bodies()).toEqual(all);
    expect(received.match(/<MessageId>[^<]+/g)).toEqual(
      bench.queues.peek("tasks").map(({ messageId }) => `<MessageId>${messageId}`),
    );
  });

  test("byte by byte, also within a character", async () => {
    for (const byte of Buffer.from(request(form("%E2%82%AC\u20AC")))) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await statuses(1)).toEqual(["200"]);
    expect(bodies()).toEqual(["\u20AC\u20AC"]);
  });

  test("a body in chunks, and a usual request after it", async () => {
    const body = form("chunked");
    const head =
      "POST /c/i/tasks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write(request(form("before")));
    socket.write(`${head}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    socket.write(request(form("after")));
    expect(await statuses(3)).toEqual(["200", "200", "200"]);
    expect(bodies()).toEqual(["before", "chunked", "after"]);
  });

  test("a client that asks before it sends", async () => {
    const whole = request(form("asked"), ["Expect: 100-continue"]);
    const bodyAt = whole.indexOf("\r\n\r\n") + 4;
    socket.write(whole.slice(0, bodyAt));
    await statuses(1);
    socket.write(whole.slice(bodyAt));
    expect(await statuses(2)).toEqual(["100", "200"]);
    expect(bodies()).toEqual(["asked"]);
  });

  test("a client that wants the connection closed", async () => {
    socket.write(request(form("last"), ["Connection: close"]));
    await new Promise((resolve) => socket.once("end", resolve));
    expect(await statuses(1)).toEqual(["200"]);
  });

  test("another method", async () => {
    socket.write(request("", [], "GET"));
    expect(await statuses(1)).toEqual(["400"]);
    expect(received).toContain("<Code>MissingAction</Code>");
  });

  test.each([
    ["two lengths", ["Content-Length: 5"]],
    ["a length and chunks", ["Transfer-Encoding: chunked"]],
    ["a header without a name", [": x"]],
  ])("%s: nothing is sent", async (_, headers) => {
    socket.write(request(form("smuggled"), headers));
    socket.end();
    await new Promise((resolve) => socket.once("close", resolve));
    expect(await statuses(1)).toEqual(["400"]);
    expect(bodies()).toEqual([]);
  });

  test("a client that goes before its request is whole: nothing is sent", async () => {
    const whole = request(form("half"));
    socket.write(whole.slice(0, -1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(bodies()).toEqual([]);
    const { status } = await fetch(server.url, { method: "POST", body: "Action=ListQueues" });
    expect(status).toBe(200);
  });

  test("what is no HTTP", async () => {
    socket.write(`${"x".repeat(20_000)}\r\n\r\n`);
    expect((await statuses(1))[0]).toMatch(/^4/);
  });
});

test("a server that is closed ends all connections", async () => {
  socket.write(request("Action=ReceiveMessage&WaitTimeSeconds=20"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const ended = new Promise((resolve) => socket.once("close", resolve));
  await server.close();
  await ended;
});
