import { openTerraform, settingsOf } from "./lib/cloud/session.ts";
import { formatOutputs, readOutputs } from "./lib/outputs.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "outputs",
  summary: "Shows what is deployed: addresses, ids, DNS records. Never a secret.",
  flags: { stage: STAGE, json: { type: "boolean", help: "print the outputs as JSON" } },
} as const;

await main(command, async (system, { stage, json }) => {
  const settings = settingsOf(stage);
  const terraform = openTerraform(system, settings);
  const outputs = await readOutputs(system, terraform, settings);
  system.say(json ? JSON.stringify(outputs, null, 2) : formatOutputs(outputs).join("\n"));
});
