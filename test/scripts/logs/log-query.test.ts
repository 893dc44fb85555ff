import { expect, test } from "vitest";
import { equals, queryFlags } from "../../../scripts/lib/logs/log-query.ts";

test("without wishes there are no flags", () => {
  expect(queryFlags({})).toEqual([]);
});

test("a level means all from it up", () => {
  expect(queryFlags({ level: "warn" })).toEqual(["--levels", "WARN,ERROR,FATAL"]);
});

test("resources and a filter are flags of their own", () => {
  expect(queryFlags({ resources: ["a", "b"], filter: "x" })).toEqual([
    ...["--resource-ids", "a,b"],
    ...["--filter", "x"],
  ]);
});

test.each([
  ["a1-b2", '"a1-b2"'],
  ['x" OR level = "INFO', '"x\\" OR level = \\"INFO"'],
  ["a\\", '"a\\\\"'],
  ["a\nb", '"a\\nb"'],
])("%j stays one value", (value, quoted) => {
  expect(equals("task_id", value)).toBe(`json_payload.task_id = ${quoted}`);
});

test("what the service would reject is refused", () => {
  expect(() => queryFlags({ filter: equals("task_id", "x".repeat(1000)) })).toThrow(
    "The filter has 1025 characters, and the service takes 1000. Look for something shorter.",
  );
});
