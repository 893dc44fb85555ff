// Says more than anybody reads: node run.mjs test/scripts/_talkative.ts
import { main } from "../../scripts/lib/shell/main.ts";

const command = { name: "talkative", summary: "Says much.", flags: {} } as const;

await main(command, async (system) => {
  for (let line = 0; line < 20_000; line++) system.say(`line ${line} ${"x".repeat(100)}`);
  await system.sleep(50);
  system.say("the last line");
});
