import fc from "fast-check";
import { expect, test } from "vitest";
import {
  entriesOf,
  inRanges,
  isSmall,
  jsonOf,
  measure,
  // @ts-expect-error The page is JavaScript, without declarations.
} from "../../packages/console/page/values.js";

interface Entry {
  readonly key: string;
  readonly value: unknown;
  readonly isRange?: boolean;
}

test("counts the bytes of a value as JSON has them", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(measure(value).bytes).toBe(Buffer.byteLength(JSON.stringify(value)));
    }),
  );
});

test("counts levels, and no further than it must", () => {
  expect(measure("a").depth).toBe(0);
  expect(measure([[], { a: [1] }]).depth).toBe(3);
  expect(measure(Array(10_000).fill("a"), 100).bytes).toBeLessThan(20_100);
  expect(measure(undefined).bytes).toBe(4);
});

test("measures what is nested deeper than calls can be", () => {
  expect(measure(nested(200_000))).toEqual({ bytes: 400_002, depth: 200_000 });
});

test("shows what is small and flat open", () => {
  expect(isSmall({ name: "Анна", items: [1, 2] })).toBe(true);
  expect(isSmall("a".repeat(1000))).toBe(false);
  expect(isSmall(nested(5))).toBe(true);
  expect(isSmall(nested(6))).toBe(false);
});

test("lists what is in a value in order", () => {
  expect(entriesOf({ b: 1, a: [2] })).toEqual([
    { key: "b", value: 1 },
    { key: "a", value: [2] },
  ]);
  expect(entriesOf(["x"])).toEqual([{ key: "0", value: "x" }]);
});

test("folds many into ranges, in which each is once, and never more than a hundred together", () => {
  const leavesOf = (entries: readonly Entry[]): unknown[] => {
    expect(entries.length).toBeLessThanOrEqual(100);
    return entries.flatMap(({ isRange, value }) => (isRange ? leavesOf(inRanges(value)) : [value]));
  };
  for (const length of [100, 101, 10_000, 10_001]) {
    const list = Array.from({ length }, (_, place) => place);
    expect(leavesOf(entriesOf(list))).toEqual(list);
  }
  expect(entriesOf(Array(250).fill(0)).map(({ key }: Entry) => key)).toEqual([
    "0 … 99",
    "100 … 199",
    "200 … 249",
  ]);
});

test("writes JSON for people, and what is nested deep in one line", () => {
  expect(jsonOf({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(jsonOf(nested(21))).toBe(`${"[".repeat(22)}${"]".repeat(22)}`);
  expect(jsonOf(undefined)).toBe("null");
});

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}
