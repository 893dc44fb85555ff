import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { literal } from "../../../constructs/_literal.ts";
import {
  evaluate,
  evaluateText,
} from "../../../packages/local-cloud/stack/_terraform-expression.ts";

const values: Record<string, unknown> = { "a_queue.Tasks.arn": "yrn:1", "var.size": 3 };
const resolve = (reference: readonly string[]) => values[reference.join(".")];

describe("evaluateText", () => {
  test.each([
    ["plain", "plain"],
    ["", ""],
    ["costs 5 $ and 3 %", "costs 5 $ and 3 %"],
    ["${a_queue.Tasks.arn}", "yrn:1"],
    ["${var.size}", 3],
    ["at ${var.size}/${a_queue.Tasks.arn}.", "at 3/yrn:1."],
    ["$${PORT} %%{if}", "${PORT} %{if}"],
    ["$$${var.size}", "$${var.size}"],
    ["$$$${x}", "$$${x}"],
    ['${"a ${var.size} b"}', "a 3 b"],
    ['${jsonencode({"b" = a_queue.Tasks.arn, "a" = [1, "<"]})}', '{"a":[1,"\\u003c"],"b":"yrn:1"}'],
    ["${(true)}", true],
    [
      "${sha256(jsonencode(var.size))}",
      "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce",
    ],
  ])("reads %s", (text, value) => {
    expect(evaluateText(text, resolve)).toEqual(value);
  });

  test("keeps the type of what is one expression, also deep inside", () => {
    expect(evaluate({ list: ["${var.size}", 1, null] }, resolve)).toEqual({ list: [3, 1, null] });
  });

  test.each(["${max(1, 2)}", "${var.size + 1}", "${", "%{if true}"])(
    "fails when %s cannot be evaluated, and shows it",
    (text) => {
      expect(() => evaluateText(text, resolve)).toThrow("The local cloud cannot read");
    },
  );

  test("returns every text that the stack has escaped", () => {
    const text = fc.string({ unit: fc.constantFrom("$", "%", "{", "}", "a", '"', "\\", "\n") });
    fc.assert(
      fc.property(text, (original) => {
        fc.pre(!original.includes("TfToken["));
        expect(evaluateText(literal(original), resolve)).toBe(original);
      }),
    );
  });
});
