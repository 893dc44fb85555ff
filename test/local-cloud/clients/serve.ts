// A queue server as a process of its own, for clients in other languages and for crashes:
// node run.mjs test/local-cloud/clients/serve.ts [folder to keep messages in] [queue...]

import { openQueueJournal } from "../../../packages/local-cloud/queue/journal.ts";
import { Queues } from "../../../packages/local-cloud/queue/queues.ts";
import { startQueueServer } from "../../../packages/local-cloud/queue/server.ts";
import { defaultSettings } from "../../../packages/local-cloud/queue/settings.ts";

const [directory, ...names] = process.argv.slice(2);
let url = "";
const report = () => undefined;
const queues = new Queues({
  report,
  journal: directory ? await openQueueJournal(directory) : undefined,
});
for (const name of names) queues.create(defaultSettings(name));
({ url } = await startQueueServer({ queues, port: 0, report }));
console.log(url);
