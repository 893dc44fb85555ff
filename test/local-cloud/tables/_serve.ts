// A process of its own that serves tables: `node run.mjs test/local-cloud/tables/_serve.ts [directory]`.
// Prints its address, then what it reports, as lines of JSON. Ends with its standard input.
import { startTables } from "../../../packages/local-cloud/tables/server.ts";

const { url } = await startTables({
  table: "celery",
  port: 0,
  directory: process.argv[2],
  report: (happening) => console.log(JSON.stringify(happening)),
});
console.log(JSON.stringify({ url }));
process.stdin.resume().on("end", () => process.exit());
