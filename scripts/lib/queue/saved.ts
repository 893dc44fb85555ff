import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import * as v from "valibot";
import { formatJson, parseObject } from "../../../packages/local-cloud/support/json.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import { type Content, inBatches } from "./client.ts";
import { formatCount, refuseRest } from "./describe.ts";
import {
  goThrough,
  type Letter,
  type Looking,
  type Passage,
  Progress,
  type Reader,
  refuseStopped,
} from "./letters.ts";
import { findQueue, type StageQueue } from "./stage-queues.ts";

/** What a letter is in a file, and in a line of `--json`. */
export function toRecord({ id, queue, sentAt, receiveCount, task, body, attributes }: Letter) {
  return {
    id,
    queue: queue.name,
    sentAt: new Date(sentAt).toISOString(),
    receiveCount,
    task: task ?? null,
    body,
    attributes,
  };
}

/** Writes all dead letters to a new file, one JSON object a line; it is there whole or not at all. */
export async function save(
  reader: Reader<Looking>,
  queues: readonly StageQueue[],
  file: string,
): Promise<void> {
  const { system } = reader;
  refuseExisting(file);
  const fresh = `${file}.${process.pid}.new`;
  const open = openSync(fresh, "wx", 0o600);
  const passages: Passage[] = [];
  try {
    const write = async (letters: readonly Letter[]) => {
      for (const letter of letters) writeSync(open, `${formatJson(toRecord(letter))}\n`);
      return [];
    };
    for (const queue of queues) passages.push(await goThrough(reader, queue, write));
    refuseExisting(file);
    renameSync(fresh, file);
  } finally {
    closeSync(open);
    rmSync(fresh, { force: true });
  }
  const count = passages.reduce((sum, { seen }) => sum + seen, 0);
  system.say(`${formatCount(count)} saved to ${file}.`);
  refuseRest(passages);
}

function refuseExisting(file: string): void {
  if (!existsSync(file)) return;
  throw new UserError(`${file} exists. Give another name, or delete it first.`);
}

/** A letter that was saved. */
export interface SavedLetter extends Content {
  /** The queue that it came from. */
  readonly queue: string;
}

const savedSchema = v.object({
  queue: v.string(),
  body: v.string(),
  attributes: v.optional(
    v.record(
      v.string(),
      v.object({
        dataType: v.string(),
        stringValue: v.exactOptional(v.string()),
        binaryValue: v.exactOptional(v.string()),
      }),
    ),
    {},
  ),
});

/** The letters in a file that `save` has written. */
export function readSaved(file: string): SavedLetter[] {
  if (!existsSync(file)) throw new UserError(`There is no file ${file}.`);
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const { success, output } = v.safeParse(savedSchema, parseObject(line));
    if (success) return [output];
    throw new UserError(
      `${file}:${index + 1} is no dead letter as \`npm run dead-letters -- save\` writes them.`,
    );
  });
}

/** Where saved letters are sent. */
export interface SavedRedrive {
  readonly file: string;
  readonly queues: readonly StageQueue[];
  /** @default - the queue that each letter came from */
  readonly target: StageQueue | undefined;
  readonly dryRun: boolean;
}

/**
 * Sends saved letters in the order of the file. What is still among the dead letters stays there.
 *
 * @throws UserError where not all were sent, with the line to go on at
 */
export async function redriveSaved(reader: Reader, options: SavedRedrive): Promise<void> {
  const { system, client, stop } = reader;
  const { file, queues, target, dryRun } = options;
  const letters = readSaved(file).map((letter) => ({
    ...letter,
    to: target ?? findQueue(queues, letter.queue),
  }));
  if (dryRun) return system.say(`${formatCount(letters.length)} of ${file} would be sent.`);
  const progress = new Progress(system);
  let sent = 0;
  try {
    for (const batch of inRuns(letters).flatMap(inBatches)) {
      refuseStopped(stop);
      const [refused] = await client.send(String(batch[0]?.to.url), batch);
      if (refused)
        throw new UserError(`Line ${sent + refused[0] + 1} was not taken: ${refused[1]}`);
      sent += batch.length;
      progress.say(`${sent} of ${letters.length} sent`);
    }
  } catch (error) {
    throw new UserError(
      `${messageOf(error)} The first ${sent} of ${letters.length} lines of ${file} are sent; perhaps some of the next ten, too.`,
      { cause: error },
    );
  }
  system.say(`${formatCount(sent)} of ${file} sent.`);
}

// One request goes to one queue.
function inRuns<T extends { readonly to: StageQueue }>(letters: readonly T[]): T[][] {
  const runs: T[][] = [];
  for (const letter of letters) {
    const last = runs.at(-1);
    if (last?.[0]?.to === letter.to) last.push(letter);
    else runs.push([letter]);
  }
  return runs;
}
