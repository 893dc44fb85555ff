import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { firstLine, firstLineOf } from "../../../packages/local-cloud/support/first-line.ts";

test.each([
  ["DisallowedHost at /\nInvalid HTTP_HOST header", "DisallowedHost at /"],
  ["\r\n  \r\n  second ", "second"],
  ["<html><head><TITLE lang=en>\n Not found\n</TITLE>", "Not found"],
  ["<style>\na {}\n</style>\n<h1>Server Error (500)</h1>", "Server Error (500)"],
  ["", ""],
  ["x".repeat(500), "x".repeat(200)],
])("of %j it is %j", (content, line) => {
  expect(firstLine(content)).toBe(line);
});

test("an answer that breaks off gives what has come of it", async () => {
  const body = Readable.from(
    (async function* () {
      yield Buffer.from("half");
      throw new Error("gone");
    })(),
  );
  expect(await firstLineOf(body)).toBe("half");
});

test("an endless answer is not waited for", async () => {
  const body = Readable.from(
    (async function* () {
      yield Buffer.from("first\n");
      for (;;) {
        await sleep(10);
        yield Buffer.from("more\n");
      }
    })(),
  );
  expect(await firstLineOf(body)).toBe("first");
});
