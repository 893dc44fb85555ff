import { settingsOf } from "./lib/cloud/session.ts";
import { closingLines, deploySteps } from "./lib/deploy/deploy.ts";
import { givenImage, refuseBoth } from "./lib/image/image.ts";
import { DRY_RUN, REBUILD, STAGE, VERBOSE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";
import { describeSteps, runSteps } from "./lib/shell/steps.ts";

const command = {
  name: "deploy",
  summary:
    "Brings a stage up to date: registry, domain, image, app, results table, triggers; then verifies it. Safe to repeat and to interrupt.",
  flags: {
    stage: STAGE,
    image: {
      type: "string",
      value: "cr.yandex/…@sha256:…",
      help: "image that was pushed elsewhere, instead of building one; TF_VAR_image or IMAGE otherwise",
    },
    rebuild: REBUILD,
    "take-over": {
      type: "string",
      value: "id,id",
      help: "ids of resources in the folder that belong to this stage although its state does not list them",
    },
    wait: { type: "boolean", help: "wait for the domain's certificate and attach the domain" },
    "dry-run": DRY_RUN,
    verbose: VERBOSE,
  },
} as const;

await main(command, async (system, flags) => {
  const { stage, image, rebuild, wait, verbose, "dry-run": dryRun } = flags;
  const given = givenImage(image, system.env);
  refuseBoth(given, rebuild);
  const settings = settingsOf(stage);
  const owned = flags["take-over"]?.split(",");
  const options = { system, settings, image: given, rebuild, wait, owned };
  const steps = deploySteps(options);
  const deploy = { options };
  if (dryRun) return system.say(describeSteps(steps).join("\n"));
  await runSteps(system, steps, deploy, verbose);
  system.say(closingLines(deploy).join("\n"));
});
