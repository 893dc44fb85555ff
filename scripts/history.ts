import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { formatDeployment, readHistory } from "./lib/history/history.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "history",
  summary:
    "Lists the images that have run in a stage, the newest first: when, and of which commit.",
  flags: { stage: STAGE, json: { type: "boolean", help: "one JSON object a line, for programs" } },
} as const;

await main(command, async (system, { stage, json }) => {
  const session = await openSession(system, settingsOf(stage));
  for (const deployment of await readHistory(session, await readApp(session))) {
    const at = new Date(deployment.at).toISOString();
    system.say(json ? JSON.stringify({ ...deployment, at }) : formatDeployment(deployment));
  }
});
