import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { closingLines, deploySteps } from "./lib/deploy/deploy.ts";
import { readHistory } from "./lib/history/history.ts";
import { chooseImage, confirmRollback, describeRollback } from "./lib/history/rollback.ts";
import { DRY_RUN, STAGE, UsageError, VERBOSE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";
import { describeSteps, runSteps } from "./lib/shell/steps.ts";

const command = {
  name: "rollback",
  words: "digest or commit",
  summary:
    "Deploys an image again that has run in a stage, by default the one before. Safe to repeat and to interrupt, with the image's digest.",
  flags: {
    stage: STAGE,
    yes: { type: "boolean", help: "do not ask" },
    "dry-run": DRY_RUN,
    verbose: VERBOSE,
  },
} as const;

await main(command, async (system, { stage, yes, verbose, "dry-run": dryRun }, words) => {
  const [named, ...more] = words;
  if (more.length > 0) throw new UsageError("Give one digest or commit.");
  const settings = settingsOf(stage);
  const session = await openSession(system, settings);
  const target = chooseImage(await readHistory(session, await readApp(session)), named);
  const options = { system, settings, image: target.image };
  const steps = deploySteps(options);
  for (const line of describeRollback(target, settings)) system.say(line);
  if (dryRun) return system.say(describeSteps(steps).join("\n"));
  if (!yes && named === undefined) await confirmRollback(system, target);
  const deploy = { options };
  await runSteps(system, steps, deploy, verbose);
  system.say(
    [
      ...closingLines(deploy),
      "The next `npm run deploy` deploys the sources as they are then. Undo there, too, what was wrong.",
    ].join("\n"),
  );
});
