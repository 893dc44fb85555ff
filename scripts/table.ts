import { ensureTable } from "./lib/cloud/results-table.ts";
import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { DRY_RUN, STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "table",
  summary:
    "Creates the table in which Celery keeps its results unless it exists, and lets old results expire.",
  flags: { stage: STAGE, "dry-run": DRY_RUN },
} as const;

await main(command, async (system, { stage, "dry-run": dryRun }) => {
  const session = await openSession(system, settingsOf(stage));
  const { document_api_endpoint: endpoint, results_table: table } = await readApp(session);
  if (dryRun) return system.say(`would create table ${table} at ${endpoint}, unless it exists`);
  system.say(
    `Table ${table}: ${await ensureTable({ system, access: session.access, endpoint, table })}`,
  );
});
