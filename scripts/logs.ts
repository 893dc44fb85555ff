import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { checkFlags, printLogs } from "./lib/logs/logs.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { stopWithReader } from "./lib/shell/interrupt.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "logs",
  summary: "Shows what a deployed stage has logged, by `yc` and its login.",
  flags: {
    stage: STAGE,
    task: { type: "string", value: "id", help: "only lines of this task" },
    container: {
      type: "string",
      value: "name",
      help: "only lines of web, worker, manage, gateway, or of a queue's own worker",
    },
    level: { type: "string", value: "level", help: "only from this one up: debug, info, warn, …" },
    since: { type: "string", value: "time", help: "2h, 3d, 2026-01-31T12:00; default: 1h" },
    follow: { type: "boolean", help: "go on with what is logged from now on, until Ctrl-C" },
    platform: { type: "boolean", help: "also the platform's lines about each request" },
    json: { type: "boolean", help: "one JSON object a line, as the service has it" },
  },
} as const;

await main(command, async (system, { stage, ...flags }) => {
  checkFlags(flags, system.now());
  const session = await openSession(system, settingsOf(stage));
  const app = await readApp(session);
  const stop = flags.follow ? stopWithReader() : new AbortController();
  await printLogs(session, app, flags, stop.signal);
});
