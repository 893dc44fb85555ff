import { runCommand } from "./lib/local/command.ts";
import { printEnvironment, printTasks } from "./lib/local/queries.ts";
import { runLocal } from "./lib/local/run.ts";
import { STAGE, splitCommand } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const JSON_LINES = { type: "boolean", help: "one JSON object a line, for programs" } as const;

const PYTHON = {
  type: "string",
  value: "path",
  help: "interpreter for the containers; one that suits the project otherwise",
} as const;

const local = {
  name: "local",
  summary:
    "Runs the whole system on this machine: queue, table, trigger, containers, gateway. Needs no account and no Docker.",
  flags: {
    stage: STAGE,
    data: { type: "string", value: "dir", help: "keep queues and tables in a folder" },
    watch: { type: "boolean", help: "restart what changes" },
    once: {
      type: "string",
      value: "'command'",
      help: "run a command when everything is up, stop, and exit with its code",
    },
    at: { type: "string", value: "timer", help: "fire a timer as soon as everything is up" },
    docker: { type: "boolean", help: "run the containers as Docker images" },
    python: PYTHON,
    json: JSON_LINES,
  },
  notes: [
    "npm run local -- run python manage.py migrate   a command as the site's container would run it",
    "npm run local -- tasks   the tasks of the one that runs in this folder",
    "npm run local -- env     variables with which boto3, the AWS CLI and Celery talk to it",
  ],
} as const;

const tasks = {
  name: "local",
  verb: "tasks",
  summary: "Lists the tasks of the local cloud that runs in this folder, the last changed last.",
  flags: {
    failed: { type: "boolean", help: "only those that have failed or are dead" },
    json: JSON_LINES,
  },
} as const;

const env = {
  name: "local",
  verb: "env",
  summary:
    'Prints what sets the variables with which boto3, the AWS CLI, Celery and your own code talk to the local cloud: eval "$(npm run --silent local -- env)".',
  flags: { stage: STAGE },
} as const;

const run = {
  name: "local",
  verb: "run",
  summary:
    "Runs a command as the site's container would: in its folder, with its Python and its environment, beside the local cloud that runs here. What follows the flags is the command.",
  flags: { stage: STAGE, python: PYTHON },
} as const;

const words = process.argv.slice(process.argv[2] === "--" ? 3 : 2);
const [verb] = words;
if (verb === tasks.verb) await main(tasks, printTasks);
else if (verb === env.verb) await main(env, printEnvironment);
else if (verb === run.verb) {
  const { own, command } = splitCommand(run, words.slice(1));
  await main(
    run,
    async (system, flags) => {
      process.exitCode = await runCommand(system, flags, command);
    },
    [run.verb, ...own],
  );
} else {
  await main(local, async (system, flags) => {
    process.exitCode = await runLocal(system, flags);
  });
}
