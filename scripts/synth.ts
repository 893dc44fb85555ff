import { STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "synth",
  summary: "Writes the Terraform of every stack to cdktf.out/. Needs no account and no network.",
  flags: { stage: STAGE },
} as const;

await main(command, async (_, { stage = "" }) => {
  // The program that `cdktf` runs, but in this process: starting another one takes half a second.
  process.env.STAGE = stage;
  await import("../main.ts");
});
