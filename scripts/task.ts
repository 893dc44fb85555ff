import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { readLog } from "./lib/logs/read-log.ts";
import { parseSince } from "./lib/logs/since.ts";
import { openReader } from "./lib/queue/open-reader.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { stopOnSignal } from "./lib/shell/interrupt.ts";
import { main } from "./lib/shell/main.ts";
import { parseId, printStageTask } from "./lib/tasks/stage-tasks.ts";

const command = {
  name: "task",
  words: "id",
  summary:
    "Tells the whole story of a deployed stage's task: attempts, waits and why, error, log lines, family, result.",
  flags: {
    stage: STAGE,
    since: { type: "string", value: "time", help: "2h, 3d, 2026-01-31T12:00; default: 3d" },
    json: { type: "boolean", help: "print it as JSON" },
  },
} as const;

await main(command, async (system, { stage, since = "3d", json }, words) => {
  const id = parseId(words);
  const from = parseSince(since, system.now());
  const session = await openSession(system, settingsOf(stage));
  const app = await readApp(session);
  const letters = () => openReader(session, stopOnSignal().signal);
  await printStageTask({ session, app, readLog }, { since: from, json }, id, letters);
});
