import { openSession, readApp, settingsOf } from "./lib/cloud/session.ts";
import { STAGE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";
import { formatFindings, verify } from "./lib/verify/verify.ts";

const command = {
  name: "verify",
  summary:
    "Compares what runs with what was deployed: revisions, gateway, triggers, migrations, dead letters. Exits with 1 if something differs.",
  flags: { stage: STAGE, json: { type: "boolean", help: "print the findings as JSON" } },
} as const;

await main(command, async (system, { stage, json }) => {
  const session = await openSession(system, settingsOf(stage));
  const findings = await verify(session, await readApp(session), { migrations: true });
  system.say(json ? JSON.stringify(findings, null, 2) : formatFindings(findings).join("\n"));
  if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
});
