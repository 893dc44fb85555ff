import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contentOf, readEnvelope } from "../../packages/task-history/_envelope.ts";
import { decodeTask } from "../../packages/task-history/decode-task.ts";
import { repeatTask, whyNotRepeatable } from "../../packages/task-history/repeat-task.ts";
import { ROOT } from "../support/sources.ts";

const GOLDEN = join(ROOT, "packages", "celery-push-worker", "tests", "golden");
const RELEASES = readdirSync(GOLDEN).filter((name) => /^\d/.test(name));
const ALONE = '{"callbacks":null,"errbacks":null,"chain":null,"chord":null}';

/** A message as kombu writes it. */
function message(content: string, headers: object = {}): string {
  return JSON.stringify({
    body: content,
    "content-type": "application/json",
    headers: { task: "t.add", id: "old", ...headers },
    properties: {},
  });
}

function contentAfter(body: string): string | undefined {
  const envelope = readEnvelope(body);
  return envelope && contentOf(envelope);
}

describe.each(RELEASES)("repeatTask, Celery %s", (release) => {
  const read = (name: string) => readFileSync(join(GOLDEN, release, `${name}.txt`), "utf8").trim();

  test.each(["plain", "bare", "zlib", "eta", "keywords", "options"])(
    "sends %s as it was, but as a task of its own that begins now",
    (name) => {
      const before = readEnvelope(read(name));
      const { id: repeats_id } = before?.headers ?? {};
      const after = readEnvelope(repeatTask(read(name), "new"));

      expect(after?.isEncoded).toBe(before?.isEncoded);
      const { DelaySeconds: _, ...properties } = before?.properties ?? {};
      expect(after?.fields).toEqual({
        ...before?.fields,
        headers: {
          ...before?.headers,
          ...{ id: "new", root_id: "new", repeats_id },
          ...{ parent_id: null, group: null, group_index: null },
          ...{ eta: null, expires: null, retries: 0 },
        },
        properties: { ...properties, correlation_id: "new" },
      });
    },
  );

  test.each(["chain", "chord-1", "link"])("leaves out what follows in %s", (name) => {
    const after = repeatTask(read(name), "new");
    const [args, kwargs, embed] = JSON.parse(contentAfter(after) ?? "");

    expect([args, kwargs]).toEqual(JSON.parse(contentAfter(read(name)) ?? "").slice(0, 2));
    expect(embed).toEqual(JSON.parse(ALONE));
    expect(decodeTask(after)).toMatchObject({ id: "new", rootId: "new", groupId: undefined });
  });

  test.each(["plain", "zlib", "chain"])("takes other arguments into %s", (name) => {
    const after = repeatTask(read(name), "new", { args: [7], kwargs: { y: "й" } });

    expect(decodeTask(after)).toMatchObject({ id: "new", args: [7], kwargs: { y: "й" } });
    expect(decodeTask(after)?.repeatsId).toBe(decodeTask(read(name))?.id);
    const { argsrepr, kwargsrepr, compression } = readEnvelope(after)?.headers ?? {};
    expect([argsrepr, kwargsrepr, compression]).toEqual([undefined, undefined, undefined]);
  });

  test.each([
    [
      "pickle",
      "Its arguments are application/x-python-serialize, which only Python reads. JSON can be sent anew.",
    ],
    ["protocol-1", "Its message is of Celery's first protocol, which is not sent anew."],
  ])("says why %s cannot be sent", (name, why) => {
    expect(whyNotRepeatable(read(name))).toBe(why);
    expect(() => repeatTask(read(name), "new")).toThrow(why);
  });
});

describe("repeatTask", () => {
  test.each([
    ["hello", "Its message is not Celery's."],
    [message("[]"), "Its body is not what Celery writes: arguments, keyword arguments, and more."],
    [message("{"), "Its body is not what Celery writes: arguments, keyword arguments, and more."],
    [message("{}"), "Its body is not what Celery writes: arguments, keyword arguments, and more."],
  ])("says why %j cannot be sent", (body, why) => {
    expect(whyNotRepeatable(body)).toBe(why);
  });

  test("leaves numbers as they are, where JavaScript has no such numbers", () => {
    const args = "[12345678901234567890, 1.0, 1e3]";
    const after = repeatTask(message(`[${args}, {"a": 0.10}, {"chain": [1]}]`), "new");
    expect(contentAfter(after)).toBe(`[${args}, {"a": 0.10}, ${ALONE}]`);
  });

  test("keeps the arguments, whatever they are", () => {
    const follows = { chain: [{ task: "next" }] };
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (args, kwargs) => {
          const content = JSON.stringify([args, kwargs, follows]);
          const after = contentAfter(repeatTask(message(content), "new"));
          const [one, other] = [args, kwargs].map((part) => JSON.stringify(part));
          expect(after).toBe(`[${one}, ${other}, ${ALONE}]`);
        },
      ),
    );
  });

  test("a hop's delay is not another's", () => {
    const body = JSON.stringify({
      ...{ body: `[[],{},${ALONE}]`, "content-type": "application/json" },
      ...{ headers: { task: "t", id: "old" }, properties: { DelaySeconds: 900, priority: 3 } },
    });
    expect(readEnvelope(repeatTask(body, "new"))?.properties).toEqual({
      ...{ correlation_id: "new", priority: 3 },
    });
  });
});
