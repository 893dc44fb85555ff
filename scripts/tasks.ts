import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { readLog } from "./lib/logs/read-log.ts";
import { parseSince } from "./lib/logs/since.ts";
import { openReader } from "./lib/queue/open-reader.ts";
import { STAGE, UsageError } from "./lib/shell/command-line.ts";
import { stopOnSignal, stopWithReader } from "./lib/shell/interrupt.ts";
import { main } from "./lib/shell/main.ts";
import { printStageTasks } from "./lib/tasks/stage-tasks.ts";

const command = {
  name: "tasks",
  summary:
    "Lists what became of a deployed stage's tasks, the last changed first, as its log tells. For those of the local cloud: npm run local -- tasks.",
  flags: {
    stage: STAGE,
    failed: { type: "boolean", help: "only those that have failed" },
    dead: {
      type: "boolean",
      help: "look among the dead letters, too, which raises their receive counts",
    },
    name: { type: "string", value: "part", help: "only those in whose name this is" },
    since: { type: "string", value: "time", help: "2h, 3d, 2026-01-31T12:00; default: 1h" },
    follow: { type: "boolean", help: "one line for each end of an attempt, until Ctrl-C" },
    json: { type: "boolean", help: "one JSON object a line, for programs" },
  },
} as const;

await main(command, async (system, { stage, since = "1h", dead, ...flags }) => {
  if (dead && flags.follow) throw new UsageError("--dead and --follow exclude each other.");
  const from = parseSince(since, system.now());
  const session = await openSession(system, settingsOf(stage));
  const app = await readApp(session);
  const stop = flags.follow ? stopWithReader() : new AbortController();
  const letters = dead ? () => openReader(session, stopOnSignal().signal) : undefined;
  const options = { ...flags, since: from };
  await printStageTasks({ session, app, readLog }, options, stop.signal, letters);
});
