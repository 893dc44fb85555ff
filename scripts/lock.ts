import { STAGE } from "./lib/command-line.ts";
import { lockProviders } from "./lib/lock.ts";
import { main } from "./lib/main.ts";
import { openTerraform, settingsOf } from "./lib/session.ts";

const command = {
  name: "lock",
  summary:
    "Records the checksums of the provider for all platforms in terraform.lock.hcl, which every stack uses. Commit it.",
  flags: {
    stage: STAGE,
    upgrade: { type: "boolean", help: "take the newest version that the stacks allow" },
  },
} as const;

await main(command, async (world, { stage, upgrade }) => {
  world.say(await lockProviders(world, openTerraform(world, settingsOf(stage)), upgrade));
});
