import { expect, test } from "vitest";
import { parsePython } from "../../../scripts/lib/open/python-text.ts";

test.each([
  ["()", []],
  ["(1,)", [1]],
  [
    "(1, -2.5, 1e3, 'a', \"it's\", None, True, False)",
    [1, -2.5, 1000, "a", "it's", null, true, false],
  ],
  ["[[1, 2], (3, 4), {}]", [[1, 2], [3, 4], {}]],
  ["{'user': {'id': 8, 'tags': ['x']}, 'n': 0}", { user: { id: 8, tags: ["x"] }, n: 0 }],
  [String.raw`('a\n\t\\\'\x41\u0416\U0001f436', 'Анна')`, ["a\n\t\\'AЖ🐶", "Анна"]],
  ["{'__proto__': 1}", JSON.parse('{"__proto__": 1}')],
  ["  ( 1 , 2 )  ", [1, 2]],
])("%s is %j", (text, value) => expect(parsePython(text)).toEqual(value));

test.each([
  "",
  "(1",
  "(1) 2",
  "(1)",
  "(1 2)",
  "(1, ...)",
  "('abc..., )",
  "{1: 2}",
  "{'a' 2}",
  "{'a': }",
  "datetime.date(2026, 1, 1)",
  "<User: 8>",
  "Decimal('1.5')",
  "b'bytes'",
  "nan",
  "1e999",
  "9007199254740993",
  "0x10",
  "1j",
  "constructor",
  "('\\Uffffffff',)",
  "(".repeat(100_000),
])("of %j nothing is made", (text) => expect(parsePython(text)).toBeUndefined());
