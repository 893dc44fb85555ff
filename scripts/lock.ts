import { openTerraform, settingsOf } from "./lib/cloud/session.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";
import { lockProviders } from "./lib/terraform/lock.ts";
import { synthesize } from "./lib/terraform/synthesize.ts";

const command = {
  name: "lock",
  summary:
    "Records the checksums of the provider for all platforms in terraform.lock.hcl, which every stack uses. Commit it.",
  flags: {
    stage: STAGE,
    upgrade: { type: "boolean", help: "take the newest version that the stacks allow" },
  },
} as const;

await main(command, async (system, { stage, upgrade }) => {
  const terraform = openTerraform(system, settingsOf(stage));
  await synthesize(system, stage);
  system.say(await lockProviders(system, terraform, upgrade));
});
