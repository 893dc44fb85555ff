import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Entry,
  replay,
  sizeOf,
  summarize,
} from "../../../packages/local-cloud/tables/_state.ts";

test("a summary amounts to the same as all that happened, and is never longer", () => {
  const name = fc.constantFrom("a", "b");
  const key = fc.constantFrom("1", "2", "3");
  const item = fc.option(fc.record({ n: fc.record({ N: key }) }), { nil: undefined });
  const entry: fc.Arbitrary<Entry> = fc.oneof(
    name.map((TableName) => ({
      type: "table" as const,
      description: { TableName, TableStatus: "ACTIVE" },
    })),
    name.map((table) => ({ type: "dropped" as const, table })),
    fc.record({
      type: fc.constant("expiry" as const),
      table: name,
      attribute: fc.option(key, { nil: undefined }),
    }),
    fc.record({
      type: fc.constant("items" as const),
      changes: fc.array(fc.record({ table: name, key, item }), { minLength: 1 }),
    }),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
      const state = replay(entries);
      expect(replay(summarize(state))).toEqual(state);
      expect(summarize(state)).toHaveLength(sizeOf(state));
    }),
  );
});
