import { expect, test } from "vitest";
import { pairwise } from "./pairwise.ts";

test("each two choices of different kinds stand together, in few combinations", () => {
  const choices = { a: ["1", "2", "3"], b: ["1", "2"], c: ["1", "2"], d: ["1", "2", "3"] };
  const combinations = pairwise(choices);

  for (const [kind, options] of Object.entries(choices)) {
    for (const [other, others] of Object.entries(choices)) {
      if (kind === other) continue;
      for (const one of options) {
        for (const two of others) {
          expect(combinations.some((it) => it[kind] === one && it[other] === two)).toBe(true);
        }
      }
    }
  }
  expect(combinations.length).toBeLessThan(14);
  for (const combination of combinations) {
    expect(Object.keys(combination).sort()).toEqual(["a", "b", "c", "d"]);
  }
});
