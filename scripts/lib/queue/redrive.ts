import { messageOf, UserError } from "../shell/user-error.ts";
import { inBatches, QueueFailure } from "./client.ts";
import { argumentsOf, formatCount, idOf, nameOf, refuseRest } from "./describe.ts";
import { goThrough, type Letter, type Passage, type Reader } from "./letters.ts";
import { FoundIds, isSelected, type Selection } from "./selection.ts";
import type { StageQueue } from "./stage-queues.ts";

/** What is to be sent back, and where. */
export interface Redrive {
  /** Those whose dead letters are looked at. */
  readonly queues: readonly StageQueue[];
  readonly selection: Selection;
  /** @default - the queue that each letter came from */
  readonly target: StageQueue | undefined;
  /** Only say what would be sent. */
  readonly dryRun: boolean;
}

/**
 * Sends dead letters back as they were, byte by byte, and deletes each once the queue has it. A run
 * that is stopped anywhere loses none, and leaves at most the ten that it was at in both places; the
 * worker knows a task that it has done by its id.
 *
 * @throws UserError where not all was sent that was asked for
 */
export async function redrive(reader: Reader, options: Redrive): Promise<void> {
  const { system } = reader;
  const { queues, selection, dryRun } = options;
  const ids = new FoundIds(selection);
  const mover = new Mover(reader, options);
  const passages: Passage[] = [];
  const act = async (letters: readonly Letter[]) => {
    const chosen = letters.filter((letter) => isSelected(selection, letter));
    ids.add(chosen);
    return await mover.move(chosen);
  };
  try {
    for (const queue of queues) passages.push(await goThrough(reader, queue, act));
  } catch (error) {
    system.warn(`${formatCount(mover.moved)} sent back before that.`);
    throw error;
  }
  system.say(`${formatCount(mover.moved)} ${dryRun ? "would be sent back" : "sent back"}.`);
  ids.refuseMissing();
  if (mover.refused > 0) {
    throw new UserError(
      mover.refused === 1
        ? "1 dead letter was not taken, and is where it was."
        : `${mover.refused} dead letters were not taken, and are where they were.`,
    );
  }
  refuseRest(passages);
}

/** Moves letters from their dead-letter queue to where they are to go. */
class Mover {
  moved = 0;
  refused = 0;
  private readonly reader: Reader;
  private readonly options: Redrive;

  constructor(reader: Reader, options: Redrive) {
    this.reader = reader;
    this.options = options;
  }

  /** Returns those that have left the dead-letter queue. All are of one queue. */
  async move(letters: readonly Letter[]): Promise<readonly Letter[]> {
    const gone: Letter[] = [];
    for (const batch of inBatches(letters)) {
      const { queue: from } = batch[0] as Letter;
      gone.push(...(await this.moveBatch(batch, from)));
    }
    return gone;
  }

  private async moveBatch(batch: readonly Letter[], from: StageQueue): Promise<readonly Letter[]> {
    const { client, system } = this.reader;
    const { target = from, dryRun } = this.options;
    if (dryRun) {
      for (const letter of batch) system.say(`would send to ${target.name}: ${lineOf(letter)}`);
      this.moved += batch.length;
      return [];
    }
    const refused = await this.send(batch, target);
    for (const [place, reason] of refused) {
      system.warn(`not taken: ${idOf(batch[place] as Letter)}: ${reason}`);
    }
    this.refused += refused.size;
    const sent = batch.filter((_, place) => !refused.has(place));
    try {
      if (sent.length > 0) await client.delete(from.deadLetterUrl, sent);
    } catch (error) {
      throw new UserError(`${messageOf(error)} ${inBoth(sent, target)}`, { cause: error });
    }
    this.moved += sent.length;
    return sent;
  }

  private async send(batch: readonly Letter[], target: StageQueue) {
    try {
      return await this.reader.client.send(target.url, batch);
    } catch (error) {
      if (!(error instanceof QueueFailure) || error.refused) throw error;
      throw new UserError(`${error.message} ${inBoth(batch, target)}`, { cause: error });
    }
  }
}

function lineOf(letter: Letter): string {
  return `${idOf(letter)}  ${nameOf(letter)}  ${argumentsOf(letter)}`;
}

function inBoth(letters: readonly Letter[], { name }: StageQueue): string {
  return `Perhaps queue ${name} has these as well as the dead letters: ${letters.map(idOf).join(", ")}. Run it again: the worker knows a task that it has done by its id.`;
}
