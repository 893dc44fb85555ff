import { manage } from "./lib/manage/manage.ts";
import { STAGE, splitCommand } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const command = {
  name: "manage",
  summary:
    "Runs a command of manage.py in the cloud, in a container of the deployed image, shows its output and exits with its code. What follows the flags is the command.",
  flags: { stage: STAGE },
  notes: [
    "npm run manage -- migrate --noinput",
    'npm run manage -- --stage production shell -c "…"',
    "npm run local -- manage migrate   the same on this machine",
  ],
} as const;

const words = process.argv.slice(process.argv[2] === "--" ? 3 : 2);
const { own, command: line } = splitCommand(command, words);
await main(
  command,
  async (system, { stage }) => {
    process.exitCode = await manage(system, stage, line);
  },
  own,
);
