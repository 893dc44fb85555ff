import { expect, test } from "vitest";
import { connect, isToBeHad, start } from "./_world.ts";

// Each as this machine has it: its own, or fetched.
test.for([14, 15, 16, 17, 18])("PostgreSQL %i runs", async (version, { skip }) => {
  skip(!(await isToBeHad(version)));
  const sql = connect(await start({ version }));

  await sql`CREATE TABLE goods AS SELECT 1 AS id`;

  expect(await sql`SHOW server_version`).toEqual([
    { server_version: expect.stringMatching(`^${version}[.]`) },
  ]);
});
