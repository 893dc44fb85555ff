import { STAGE } from "./lib/command-line.ts";
import { main } from "./lib/main.ts";
import { formatOutputs } from "./lib/outputs.ts";
import { openTerraform, settingsOf } from "./lib/session.ts";

const command = {
  name: "outputs",
  summary: "Shows what is deployed: addresses, ids, DNS records. Never a secret.",
  flags: { stage: STAGE, json: { type: "boolean", help: "print the outputs as JSON" } },
} as const;

await main(command, async (world, { stage, json }) => {
  const terraform = openTerraform(world, settingsOf(stage));
  await terraform.synth();
  await terraform.init("app");
  const outputs = await terraform.outputs("app");
  world.say(json ? JSON.stringify(outputs, null, 2) : formatOutputs(outputs).join("\n"));
});
