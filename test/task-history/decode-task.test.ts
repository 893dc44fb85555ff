import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeTask } from "../../packages/task-history/decode-task.ts";
import { ROOT } from "../support/sources.ts";

// Messages as each release of Celery publishes them, kept by the worker package's tests.
const GOLDEN = join(ROOT, "packages", "celery-push-worker", "tests", "golden");
const RELEASES = readdirSync(GOLDEN).filter((name) => /^\d/.test(name));

describe.each(RELEASES)("decodeTask, Celery %s", (release) => {
  const read = (name: string) =>
    decodeTask(readFileSync(join(GOLDEN, release, `${name}.txt`), "utf8"));

  test.each(["plain", "bare", "zlib", "protocol-1", "options", "link"])("decodes %s", (name) => {
    expect(read(name)).toMatchObject({
      id: expect.stringMatching(/^[\w-]{36}$/),
      name: "t.add",
      args: [2, 3],
      kwargs: {},
      retries: 0,
    });
  });

  test("decodes keyword arguments", () => {
    expect(read("keywords")).toMatchObject({ args: [], kwargs: { x: 2, y: 3 } });
  });

  test("knows when a task is due and when it is too late", () => {
    expect(read("eta")?.eta).toMatch(/^2100-01-01T00:00:00/);
    expect(read("options")?.expires).toMatch(/^2100-01-01T00:00:00/);
  });

  test("knows the family", () => {
    expect(read("chord")?.groupId).toMatch(/^[\w-]{36}$/);
    expect(read("chain")?.rootId).toBe(read("chain")?.id);
  });

  test.each(["pickle", "yaml", "msgpack"])("shows the arguments in %s as Python does", (name) => {
    expect(read(name)).toMatchObject({ name: "t.add", args: ["(2, 3)", "{}"], kwargs: {} });
  });
});

describe("decodeTask", () => {
  test.each([
    "",
    "hello",
    "{}",
    "[]",
    "null",
    '{"body":"e30="}',
    "e30=",
    '{"body":7,"headers":[]}',
  ])("takes %j for no task", (body) => {
    expect(decodeTask(body)).toBeUndefined();
  });

  test("never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        decodeTask(body);
        decodeTask(Buffer.from(body).toString("base64"));
      }),
    );
  });

  test("does not fill the memory with what a small body inflates to", () => {
    const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024)).toString("base64");
    const headers = { task: "t", id: "i", compression: "application/x-gzip" };
    const body = JSON.stringify({ body: bomb, headers, properties: { body_encoding: "base64" } });

    expect(decodeTask(body)).toMatchObject({ id: "i", args: [] });
  });
});
