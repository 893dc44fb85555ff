import { STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "synth",
  summary: "Writes the Terraform of every stack to cdktf.out/. Needs no account and no network.",
  flags: { stage: STAGE },
} as const;

await main(command, async (_, { stage = "" }) => {
  // What `cdktf` runs, in this process: nobody should wait for another one to start.
  process.env.STAGE = stage;
  await import("../main.ts");
});
