import type { Fact } from "../../task-history/fact.ts";
import { type Journal, openJournal } from "../support/journal.ts";
import type { EventStore } from "./store.ts";

const WRITE_MS = 500;

/** All facts of one task; a later record of the same task says more. */
type KeptTask = readonly Fact[];

/**
 * Restores what earlier runs knew of tasks, and keeps those that come to their end, and at the end all:
 * `tasks.jsonl` in a folder. Returns what writes the rest and closes the file.
 *
 * @param everyMs a crash forgets what tasks have done for so long; what is in the queues is kept there
 */
export async function keepTasks(
  directory: string,
  events: EventStore,
  everyMs = WRITE_MS,
): Promise<() => Promise<void>> {
  const journal = await openJournal<KeptTask>(directory, "tasks");
  events.restore(journal.kept.flat());
  journal.kept = [];
  const changed = new Set<string>();
  const unsubscribe = events.subscribeTasks((id) => changed.add(id));
  const timer = setInterval(() => {
    write(journal, events, changed, (id) => events.isOver(id));
  }, everyMs);
  timer.unref();
  return async () => {
    unsubscribe();
    clearInterval(timer);
    write(journal, events, changed, () => true);
    await journal.close();
  };
}

function write(
  journal: Journal<KeptTask>,
  events: EventStore,
  changed: Set<string>,
  isDue: (id: string) => boolean,
): void {
  for (const id of changed) {
    if (!isDue(id)) continue;
    changed.delete(id);
    const facts = events.factsOf(id);
    if (facts.length > 0) journal.append(facts);
  }
  if (journal.isBloated) journal.compact(all(events));
}

function* all(events: EventStore): Generator<KeptTask> {
  for (const id of events.taskIds()) yield events.factsOf(id);
}
