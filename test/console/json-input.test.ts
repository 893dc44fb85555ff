import fc from "fast-check";
import { expect, test } from "vitest";
// @ts-expect-error The page is JavaScript, without declarations.
import { findMistake, placeOf } from "../../packages/console/page/json-input.js";

test("finds a mistake in exactly what is not JSON", () => {
  const pieces = fc.constantFrom(
    ..."[]{}:,\"'\\ \n\t-+.0123e",
    "null",
    "true",
    "None",
    '"a"',
    "\\u00e9",
    "\u0000",
  );
  const mess = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(""));
  const spoilt = fc
    .tuple(fc.jsonValue(), fc.nat(), fc.nat(3), pieces)
    .map(([value, at, removed, added]) => {
      const text = JSON.stringify(value, null, 1);
      const place = at % (text.length + 1);
      return text.slice(0, place) + added + text.slice(place + removed);
    });
  fc.assert(
    fc.property(fc.oneof(mess, spoilt, fc.json()), (text) => {
      const mistake = findMistake(text);
      if (mistake?.problem === "number") return;
      expect(mistake === undefined).toBe(isJson(text));
    }),
    { numRuns: 3000 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test.each([
  ["", "value", 0],
  ["[1,]", "value", 3],
  ["{'a': 1}", "key", 1],
  ['{"a": None}', "value", 6],
  ['{"a" 1}', "colon", 5],
  ['{"a": 1 "b": 2}', "close", 8],
  ["[1", "close", 2],
  ["[1}", "close", 2],
  ['{"a": 1,}', "key", 8],
  ["[] []", "end", 3],
  ['["a\nb"]', "text", 1],
  ['["C:\\dir"]', "text", 1],
  ['{"a', "text", 1],
])("says what is wrong in %j: %s at %i", (text, problem, at) => {
  expect(findMistake(text)).toMatchObject({ problem, at });
});

test("names the bracket that is missing", () => {
  expect(findMistake("[{").close).toBe("}");
  expect(findMistake("[1").close).toBe("]");
});

test("refuses a whole number that would be rounded, and no other", () => {
  expect(findMistake("[9007199254740993]")).toMatchObject({ problem: "number", at: 1 });
  expect(findMistake("[-9007199254740991, 1e300, 0.1]")).toBeUndefined();
});

test("reads what is nested deep, and long texts", () => {
  expect(findMistake("[".repeat(100_000) + "]".repeat(100_000))).toBeUndefined();
  expect(findMistake(JSON.stringify('\\"я'.repeat(200_000)))).toBeUndefined();
  expect(findMistake(`"${"a".repeat(500_000)}`)).toMatchObject({ problem: "text", at: 0 });
});

test("says line and column from 1", () => {
  expect(placeOf("ab\n  c", 0)).toEqual({ line: 1, column: 1 });
  expect(placeOf("ab\n  c", 5)).toEqual({ line: 2, column: 3 });
});
