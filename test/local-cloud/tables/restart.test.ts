import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Tables } from "../../../packages/local-cloud/tables/tables.ts";
import { ManualClock } from "./_tables.ts";

const open = (directory: string) =>
  Tables.open({ directory, clock: new ManualClock(), report: () => {} });

/** Everything that can be known of all tables. */
async function all(tables: Tables): Promise<unknown> {
  const { TableNames } = await tables.call("ListTables", {});
  return Promise.all(
    (TableNames as string[]).map(async (TableName) => [
      await tables.call("DescribeTable", { TableName }),
      await tables.call("DescribeTimeToLive", { TableName }),
      await tables.call("Scan", { TableName }),
    ]),
  );
}

function act(tables: Tables, [what, table, id]: readonly [number, string, string]) {
  const TableName = table;
  switch (what) {
    case 0:
      return tables.ensureResultsTable(TableName);
    case 1:
      return tables.call("DeleteTable", { TableName });
    case 2:
    case 3: {
      const TimeToLiveSpecification = { AttributeName: "ttl", Enabled: what === 2 };
      return tables.call("UpdateTimeToLive", { TableName, TimeToLiveSpecification });
    }
    case 4:
      return tables.call("DeleteItem", { TableName, Key: { id: { S: id } } });
    default:
      return tables.call("PutItem", { TableName, Item: { id: { S: id }, n: { N: `${what}` } } });
  }
}

test("after a restart tables are as they were, also when the journal was rewritten", async () => {
  const step = fc.tuple(fc.nat(9), fc.constantFrom("a", "b/c"), fc.constantFrom("1", "2", "3"));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const directory = mkdtempSync(join(tmpdir(), "tables-"));
      const first = await open(directory);
      // What is refused changes nothing: a table that is not there, expiry that is on already.
      for (const each of steps) await act(first, each).catch(() => undefined);
      const before = await all(first);
      await first.close();
      for (let restart = 0; restart < 2; restart++) {
        const again = await open(directory);
        expect(await all(again)).toEqual(before);
        await again.close();
      }
      rmSync(directory, { recursive: true });
    }),
    { numRuns: 30 },
  );
});
