import { findQueueKey } from "./lib/cloud/queue-key.ts";
import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { QueueClient } from "./lib/queue/client.ts";
import { drain, GO_ON, parseTimeout } from "./lib/queue/drain.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { Interrupted, stopBySignal } from "./lib/shell/interrupt.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "drain",
  summary:
    "Pauses the triggers and waits until no message is in flight. Exits with 0 then, and with 1 when the time is over; the triggers stay paused either way.",
  flags: {
    stage: STAGE,
    timeout: { type: "string", value: "time", help: "90s, 10m, 1h; default: 10m" },
    json: { type: "boolean", help: "one JSON object a line for each look at the queues" },
  },
  notes: [
    "npm run trigger -- --resume   goes on",
    "A timer's run that has begun is in no queue: it is not waited for.",
  ],
} as const;

await main(command, async (system, { stage, timeout = "10m", json }) => {
  const timeoutMs = parseTimeout(timeout);
  const session = await openSession(system, settingsOf(stage));
  const app = await readApp(session);
  const state = () => session.terraform.state("app");
  const key = await findQueueKey(system, state, session.settings);
  const stop = new AbortController();
  stopBySignal(({ signal }) => stop.abort(new Interrupted(signal, `Interrupted. ${GO_ON}`)));
  const client = new QueueClient(system, key, stop.signal);
  await drain(session, app, { client, stop: stop.signal }, { timeoutMs, json });
});
