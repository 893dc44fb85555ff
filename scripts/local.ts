import { inManage, runCommand } from "./lib/local/command.ts";
import { actOnLetters } from "./lib/local/dead-letters.ts";
import { printLocalLogs } from "./lib/local/logs.ts";
import { printEnvironment, printTask, printTasks } from "./lib/local/queries.ts";
import { runLocal } from "./lib/local/run.ts";
import { DRY_RUN, STAGE, splitCommand } from "./lib/shell/command-line.ts";
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
    data: {
      type: "string",
      value: "dir",
      help: "keep queues, tables, uploads and finished tasks in a folder",
    },
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
    "npm run local -- run pytest     a command as the site's container would run it",
    "npm run local -- manage shell   the same of a command of manage.py",
    "npm run local -- tasks   the tasks of the one that runs in this folder",
    "npm run local -- task <id>   the whole story of one of them",
    "npm run local -- logs    what its containers have logged",
    "npm run local -- dead-letters   its dead letters: redrive, purge, save",
    "npm run local -- env     variables with which boto3, the AWS CLI and Celery talk to it",
  ],
} as const;

const OPEN = {
  type: "string",
  value: "file",
  help: "a run that was saved, in place of the one that runs here",
} as const;

const tasks = {
  name: "local",
  verb: "tasks",
  summary: "Lists the tasks of the local cloud that runs in this folder, the last changed first.",
  flags: {
    failed: { type: "boolean", help: "only those that have failed or are dead" },
    name: { type: "string", value: "part", help: "only those in whose name this is" },
    save: { type: "string", value: "file", help: "save the whole run instead" },
    open: OPEN,
    json: JSON_LINES,
  },
} as const;

const task = {
  name: "local",
  verb: "task",
  words: "id",
  summary:
    "Tells the whole story of a task: attempts, waits and why, error, log lines, family, result. The beginning of its id will do.",
  flags: { open: OPEN, json: JSON_LINES },
} as const;

const deadLetters = {
  name: "local",
  verb: "dead-letters",
  words: "redrive|purge|save …",
  summary:
    "Shows the dead letters of the local cloud that runs in this folder; redrive ids… sends them back, purge ids… deletes them, save FILE writes them to a file.",
  flags: {
    queue: { type: "string", value: "name", help: "only those of this queue" },
    name: { type: "string", value: "task", help: "redrive or purge those of a task" },
    all: { type: "boolean", help: "redrive or purge all of them" },
    to: { type: "string", value: "queue", help: "redrive them to another queue" },
    from: { type: "string", value: "file", help: "redrive what save has written instead" },
    "dry-run": DRY_RUN,
    json: JSON_LINES,
  },
} as const;

const logs = {
  name: "local",
  verb: "logs",
  summary: "Shows what the containers of the local cloud that runs in this folder have logged.",
  flags: {
    task: { type: "string", value: "id", help: "only lines of this task" },
    container: { type: "string", value: "name", help: "only lines of web, worker, …" },
    level: { type: "string", value: "level", help: "only from this one up: debug, info, warn, …" },
    since: { type: "string", value: "time", help: "2h, 3d, 2026-01-31T12:00; default: all kept" },
    follow: { type: "boolean", help: "go on with what is logged from now on, until Ctrl-C" },
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

const manage = {
  name: "local",
  verb: "manage",
  summary:
    "Runs a command of manage.py as the site's container would, beside the local cloud that runs here. What follows the flags is the command.",
  flags: run.flags,
} as const;

const words = process.argv.slice(process.argv[2] === "--" ? 3 : 2);
const [verb] = words;
if (verb === tasks.verb) await main(tasks, printTasks);
else if (verb === task.verb) await main(task, printTask);
else if (verb === deadLetters.verb) await main(deadLetters, actOnLetters);
else if (verb === logs.verb) await main(logs, (system, flags) => printLocalLogs(system, flags));
else if (verb === env.verb) await main(env, printEnvironment);
else if (verb === run.verb || verb === manage.verb) {
  const { own, command: line } = splitCommand(run, words.slice(1));
  await main(
    verb === run.verb ? run : manage,
    async (system, flags) => {
      const command = verb === run.verb ? line : inManage(line);
      process.exitCode = await runCommand(system, flags, command);
    },
    [verb, ...own],
  );
} else {
  await main(local, async (system, flags) => {
    process.exitCode = await runLocal(system, flags);
  });
}
