import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Journal, openJournal } from "../../../packages/local-cloud/tables/_journal.ts";
import {
  type Entry,
  replay,
  sizeOf,
  summarize,
} from "../../../packages/local-cloud/tables/_state.ts";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "journal-"));
  file = join(directory, "journal");
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("a journal", () => {
  test("has in its file what is committed, in order, whoever waits for it", async () => {
    const journal = await openJournal(file);
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    await Promise.all(
      numbers.map(async (number) => {
        journal.append(number);
        await journal.committed();
        expect(await journal.read()).toContain(number);
      }),
    );
    expect(await journal.read()).toEqual(numbers);
    await journal.close();
  });

  test("keeps what comes while it is replaced", async () => {
    const journal = await openJournal(file);
    journal.append("old");
    await journal.committed();
    const replaced = journal.replace(["new"]);
    journal.append("after");
    await Promise.all([replaced, journal.committed()]);
    await journal.close();
    const again = await openJournal(file);
    expect(await again.read()).toEqual(["new", "after"]);
    expect(again.bytes).toBe(14);
    await again.close();
  });

  test("accepts nothing more once the disk has failed", async () => {
    const handle = await open(file, "a");
    const journal = new Journal(file, handle, 0);
    await handle.close();
    journal.append("lost");
    await expect(journal.committed()).rejects.toThrow();
    journal.append("not accepted");
    await expect(journal.committed()).rejects.toThrow();
  });
});

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
