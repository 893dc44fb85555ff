// A PostgreSQL in a process of its own, to be killed, to be another user's, and for clients in other
// languages: node run.mjs test/local-cloud/postgres/_serve.ts <cache> <version> [<folder with data>]
// Prints its port.
import { startPostgres } from "../../../packages/local-cloud/postgres/server.ts";
import { DATABASE } from "./_database.ts";

const [cache = "", version, directory] = process.argv.slice(2);
const server = await startPostgres({
  ...DATABASE,
  ...{ version: Number(version), cache, directory, port: 0 },
  progress: (step) => console.error(step),
  signal: new AbortController().signal,
});
console.log(server.port);
process.once("SIGTERM", () => void server.close());
