import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../../../packages/local-cloud/support/guard.ts";
import { type Listening, listen } from "../../../packages/local-cloud/support/listen.ts";

const refusal = (headers: IncomingMessage["headers"], hosts?: readonly string[]) =>
  refusalOf({ headers } as IncomingMessage, hosts);

describe("requests of other sites' pages", () => {
  test.each([
    { host: "localhost:8000" },
    { host: "LOCALHOST" },
    { host: "127.0.0.1:1" },
    { host: "[::1]:8000" },
    { host: "shop.localhost:8000" },
    { host: "localhost", origin: "http://localhost:3000" },
    { host: "localhost", "sec-fetch-site": "same-origin" },
    { host: "localhost", "sec-fetch-site": "none" },
  ])("%j is answered", (headers) => expect(refusal(headers)).toBeUndefined());

  test.each([
    [{}, "Host"],
    [{ host: "evil.example" }, "Host"],
    [{ host: "host.docker.internal:9324" }, "Host"],
    [{ host: "localhost.evil.example" }, "Host"],
    [{ host: "127.0.0.1.evil.example:8000" }, "Host"],
    [{ host: "localhost", origin: "https://evil.example" }, "Origin"],
    [{ host: "localhost", origin: "http://localhost.evil.example" }, "Origin"],
    [{ host: "localhost", origin: "null" }, "Origin"],
    [{ host: "localhost", "sec-fetch-site": "cross-site" }, "Sec-Fetch-Site"],
  ])("%j is refused for its %s", (headers, why) => {
    expect(refusal(headers)?.startsWith(`${why} is `)).toBe(true);
  });

  test("a name that is allowed besides", () => {
    expect(refusal({ host: "shop.test:8000", origin: "http://shop.test" }, ["shop.test"])).toBe(
      undefined,
    );
  });
});

test("a port that is taken is left to its owner, and the next one used", async () => {
  const first = await listen((_, response) => response.end("first"), 0);
  const second = await listen((_, response) => response.end("second"), first.port);
  expect(second.port).toBeGreaterThan(first.port);
  expect(await (await fetch(first.url)).text()).toBe("first");
  expect(await (await fetch(second.url)).text()).toBe("second");
  await Promise.all([first.close(), second.close()]);
  await expect(fetch(first.url)).rejects.toThrow();
});

test("twelve ports that are taken are twelve tries, and no warning", async () => {
  const warnings: string[] = [];
  const warned = (warning: Error) => warnings.push(warning.message);
  process.on("warning", warned);
  const [first, ...others] = await takePorts(12);
  const server = await listen(() => undefined, first?.port ?? 0);
  expect(server.port).toBeGreaterThan((first?.port ?? 0) + 11);
  await sleep(20);
  process.off("warning", warned);
  expect(warnings).toEqual([]);
  await Promise.all([server, first, ...others].map((one) => one?.close()));
});

/** Servers on ports that follow one another. */
async function takePorts(count: number): Promise<Listening[]> {
  const servers = [await listen(() => undefined, 0)];
  while (servers.length < count) {
    servers.push(await listen(() => undefined, (servers[0]?.port ?? 0) + servers.length));
  }
  return servers;
}

test("closing ends requests that are under way", async () => {
  const arrivals = new EventEmitter();
  const arrived = once(arrivals, "request");
  const server = await listen(() => arrivals.emit("request"), 0);
  const pending = fetch(server.url);
  pending.catch(() => undefined);
  await arrived;
  await server.close();
  await expect(pending).rejects.toThrow();
});
