import { accessOf } from "./lib/cloud/access.ts";
import { settingsOf } from "./lib/cloud/session.ts";
import { list } from "./lib/queue/list.ts";
import { openLetters } from "./lib/queue/open-reader.ts";
import { confirmPurge, purge } from "./lib/queue/purge.ts";
import { redrive } from "./lib/queue/redrive.ts";
import { redriveSaved, save } from "./lib/queue/saved.ts";
import { checkSelection, refuseSelected } from "./lib/queue/selection.ts";
import { findQueue } from "./lib/queue/stage-queues.ts";
import { DRY_RUN, STAGE, UsageError } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";

const QUEUE = {
  type: "string",
  value: "name",
  help: "only the dead letters of this queue: default, or a name in 'queues'",
} as const;
const SELECTION = {
  name: { type: "string", value: "task", help: "those of a task" },
  all: { type: "boolean", help: "all of them" },
} as const;

const look = {
  name: "dead-letters",
  summary:
    "Shows the tasks that ended as dead letters, grouped by task and error. Takes no key but the stack's own.",
  flags: {
    stage: STAGE,
    queue: QUEUE,
    json: { type: "boolean", help: "one JSON object a line, with arguments and message whole" },
  },
  notes: [
    "npm run dead-letters -- redrive --name shop.charge   sends them back to their queue",
    "npm run dead-letters -- save letters.jsonl           writes them to a file",
    "npm run dead-letters -- purge --all                  deletes them",
  ],
} as const;

const redriveCommand = {
  name: "dead-letters",
  verb: "redrive",
  words: "ids…",
  summary:
    "Sends dead letters back to the queue they came from, as they were. Ids are those of tasks or of messages.",
  flags: {
    stage: STAGE,
    queue: QUEUE,
    ...SELECTION,
    to: { type: "string", value: "queue", help: "send them to another queue of the stage" },
    from: { type: "string", value: "file", help: "send what `save` has written instead" },
    "dry-run": DRY_RUN,
  },
} as const;

const purgeCommand = {
  name: "dead-letters",
  verb: "purge",
  words: "ids…",
  summary: "Deletes dead letters for good. Ids are those of tasks or of messages.",
  flags: {
    stage: STAGE,
    queue: QUEUE,
    ...SELECTION,
    yes: { type: "boolean", help: "do not ask" },
  },
} as const;

const saveCommand = {
  name: "dead-letters",
  verb: "save",
  words: "file",
  summary:
    "Writes dead letters to a new file, one JSON object a line: message, attributes, and what they say decoded. They stay where they are.",
  flags: { stage: STAGE, queue: QUEUE },
} as const;

const [verb] = process.argv.slice(process.argv[2] === "--" ? 3 : 2);
if (verb === redriveCommand.verb) {
  await main(
    redriveCommand,
    async (system, { name, all, to, from, "dry-run": dryRun, ...flags }, ids) => {
      const selection = { ids, name, all };
      if (from === undefined) checkSelection(selection);
      else refuseSelected(selection);
      const { reader, queues, all: stage } = await openLetters(system, flags);
      const target = to === undefined ? undefined : findQueue(stage, to);
      if (from === undefined) await redrive(reader, { queues, selection, target, dryRun });
      else await redriveSaved(reader, { file: from, queues: stage, target, dryRun });
    },
  );
} else if (verb === purgeCommand.verb) {
  await main(purgeCommand, async (system, { name, all, yes, ...flags }, ids) => {
    const selection = { ids, name, all };
    checkSelection(selection);
    if (!yes) await confirmPurge(system, settingsOf(flags.stage), selection);
    const { reader, queues } = await openLetters(system, flags);
    await purge(reader, queues, selection);
  });
} else if (verb === saveCommand.verb) {
  await main(saveCommand, async (system, flags, [file, ...more]) => {
    if (file === undefined || more.length > 0)
      throw new UsageError("Give one file, e.g. `npm run dead-letters -- save letters.jsonl`.");
    const { reader, queues } = await openLetters(system, flags);
    await save(reader, queues, file);
  });
} else {
  await main(look, async (system, { json, ...flags }) => {
    const { reader, queues, app } = await openLetters(system, flags);
    const { document_api_endpoint: endpoint, results_table: table } = app;
    await list(reader, queues, {
      json,
      table: { system, access: accessOf(system), endpoint, table },
    });
  });
}
