import { ensureTable } from "./lib/cloud/results-table.ts";
import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { DRY_RUN, STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "table",
  summary:
    "Makes the table in which Celery keeps its results, unless it exists, and has old results expire.",
  flags: { stage: STAGE, "dry-run": DRY_RUN },
} as const;

await main(command, async (world, { stage, "dry-run": dryRun }) => {
  const session = await openSession(world, settingsOf(stage));
  const { document_api_endpoint: endpoint, results_table: table } = await readApp(session);
  if (dryRun) return world.say(`would create table ${table} at ${endpoint}, unless it exists`);
  world.say(
    `Table ${table}: ${await ensureTable({ world, access: session.access, endpoint, table })}`,
  );
});
