import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRun, renderRun } from "../../packages/task-history/saved-run.ts";
import { ROOT } from "../support/sources.ts";
import { anyOrder, localFacts, recordsOf } from "./_streams.ts";

const SAVED_AT = 1_700_000_000_000;
/** The example's jobs, with a retry, a failure, a chord and a countdown, as `tasks --save` has written it. */
const RECORDED = parseRun(
  readFileSync(join(ROOT, "test", "task-history", "recorded", "shop.jsonl"), "utf8"),
);

describe("a saved run", () => {
  test("is the same tasks when it is opened", () => {
    fc.assert(
      fc.property(localFacts, (facts) => {
        const { savedAt, facts: read } = parseRun([...renderRun(facts, SAVED_AT)].join(""));
        expect(savedAt).toBe(SAVED_AT);
        expect(recordsOf(read)).toEqual(recordsOf(facts));
      }),
      { numRuns: 50 },
    );
  });

  test("loses half a line that was not written to its end", () => {
    const text = [...renderRun(RECORDED.facts, SAVED_AT)].join("");
    expect(parseRun(text.slice(0, -10)).facts).toEqual(RECORDED.facts.slice(0, -1));
  });

  test.each([
    ["", "is not a saved run"],
    ["{}\n", "is not a saved run"],
    [
      '{"format":"task-history","version":2,"savedAt":1}\n',
      "was saved by another release (format 2)",
    ],
    ['{"format":"task-history","version":1,"savedAt":1}\n{"id":1}\n', "is damaged in line 2"],
  ])("%j is refused", (text, message) => {
    expect(() => parseRun(text)).toThrow(message);
  });

  test("one of the example shows what became of each task", () => {
    const records = recordsOf(RECORDED.facts, RECORDED.savedAt);

    expect(records.map(({ name, state, attempts }) => [name, state, attempts.length])).toEqual([
      ["jobs.tasks.ask_supplier", "failed", 3],
      ["jobs.tasks.add_up", "ok", 1],
      ["jobs.tasks.compare_orders", "failed", 1],
      ["jobs.tasks.count_primes", "ok", 1],
      ["jobs.tasks.count_primes", "ok", 1],
      ["jobs.tasks.count_primes", "ok", 1],
      ["jobs.tasks.remind", "delayed", 0],
    ]);
  });

  test("the same in any order, repeated or not", () => {
    fc.assert(
      fc.property(anyOrder(RECORDED.facts), (facts) => {
        expect(recordsOf(facts, RECORDED.savedAt)).toEqual(
          recordsOf(RECORDED.facts, RECORDED.savedAt),
        );
      }),
    );
  });
});
