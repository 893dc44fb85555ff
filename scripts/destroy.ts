import { openSession, settingsOf } from "./lib/cloud/session.ts";
import { confirmDestroy, destroySteps, leftovers, refuseProtected } from "./lib/destroy.ts";
import { DRY_RUN, STAGE, VERBOSE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";
import { describeSteps, runSteps } from "./lib/shell/steps.ts";

const command = {
  name: "destroy",
  summary: "Deletes everything of a stage: triggers, app, domain, images, registry, database.",
  flags: {
    stage: STAGE,
    yes: { type: "boolean", help: "do not ask" },
    "dry-run": DRY_RUN,
    verbose: VERBOSE,
  },
} as const;

await main(command, async (system, { stage, yes, verbose, "dry-run": dryRun }) => {
  const settings = settingsOf(stage);
  const steps = destroySteps(settings);
  if (dryRun) return system.say(describeSteps(steps).join("\n"));
  if (!yes) await confirmDestroy(system, settings);
  const session = await openSession(system, settings);
  await refuseProtected(session);
  await runSteps(system, steps, session, verbose);
  system.say(leftovers(settings).join("\n"));
});
