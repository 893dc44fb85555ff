import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { DRY_RUN, STAGE, UsageError } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";
import { runTriggers, type TriggerAction } from "./lib/triggers/triggers.ts";

const ACTIONS = ["pause", "resume", "delete"] as const satisfies readonly TriggerAction[];

const command = {
  name: "trigger",
  summary:
    "Creates or updates the triggers that deliver messages to the worker, by `yc`, or by the API with YC_TOKEN.",
  flags: {
    stage: STAGE,
    pause: { type: "boolean", help: "stop delivering messages; they wait in the queue" },
    resume: { type: "boolean", help: "deliver messages again" },
    delete: { type: "boolean", help: "delete the triggers" },
    "dry-run": DRY_RUN,
  },
} as const;

await main(command, async (system, { stage, "dry-run": dryRun, ...flags }) => {
  const [action = "ensure", ...more] = ACTIONS.filter((name) => flags[name]);
  if (more.length > 0) throw new UsageError("Give one of --pause, --resume and --delete.");
  const session = await openSession(system, settingsOf(stage));
  const { triggers: specs } = await readApp(session);
  const lines = await runTriggers(session, { action, specs, dryRun });
  for (const line of lines) system.say(dryRun ? `would ${line}` : line);
  if (lines.length === 0) system.say("no change");
});
