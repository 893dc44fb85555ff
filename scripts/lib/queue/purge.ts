import type { Settings } from "../../../stacks/settings.ts";
import { namePrefix } from "../../../stacks/settings.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { formatCount, refuseRest } from "./describe.ts";
import { goThrough, type Letter, type Passage, type Reader } from "./letters.ts";
import { FoundIds, isSelected, type Selection } from "./selection.ts";
import type { StageQueue } from "./stage-queues.ts";

/** Asks the user to type the name of what is to lose its dead letters. */
export async function confirmPurge(
  system: System,
  settings: Settings,
  { ids, name, all }: Selection,
): Promise<void> {
  if (!system.interactive) {
    throw new UserError("No terminal to ask for confirmation. Add --yes to delete without asking.");
  }
  const which = all ? "all dead letters" : name ? `the dead letters of ${name}` : ids.join(", ");
  const stage = namePrefix(settings);
  const answer = await system.ask(`This deletes ${which} for good. Type ${stage} to go on: `);
  if (answer.trim() !== stage) throw new UserError("Nothing was deleted.");
}

/** Deletes dead letters: all of a queue in one request, chosen ones by receiving them. */
export async function purge(
  reader: Reader,
  queues: readonly StageQueue[],
  selection: Selection,
): Promise<void> {
  if (selection.all) await purgeAll(reader, queues);
  else await purgeSelected(reader, queues, selection);
}

async function purgeAll({ system, client }: Reader, queues: readonly StageQueue[]): Promise<void> {
  for (const { name, deadLetterUrl } of queues) {
    const { waiting, inFlight } = await client.count(deadLetterUrl);
    await client.purge(deadLetterUrl);
    const count = formatCount(waiting + inFlight);
    system.say(`${count} of queue ${name} deleted, which may take a minute.`);
  }
}

async function purgeSelected(
  reader: Reader,
  queues: readonly StageQueue[],
  selection: Selection,
): Promise<void> {
  const { system, client } = reader;
  const ids = new FoundIds(selection);
  const passages: Passage[] = [];
  let deleted = 0;
  for (const queue of queues) {
    const act = async (letters: readonly Letter[]) => {
      const chosen = letters.filter((letter) => isSelected(selection, letter));
      if (chosen.length > 0) await client.delete(queue.deadLetterUrl, chosen);
      ids.add(chosen);
      deleted += chosen.length;
      return chosen;
    };
    passages.push(await goThrough(reader, queue, act));
  }
  system.say(`${formatCount(deleted)} deleted.`);
  ids.refuseMissing();
  refuseRest(passages);
}
