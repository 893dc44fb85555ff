import { UsageError } from "../shell/command-line.ts";
import { UserError } from "../shell/user-error.ts";
import type { Letter } from "./letters.ts";

/** Which dead letters a command is about. */
export interface Selection {
  /** Ids of tasks or of messages. */
  readonly ids: readonly string[];
  /** Name of a task. */
  readonly name: string | undefined;
  readonly all: boolean;
}

/** @throws UsageError unless exactly one way to select is given */
export function checkSelection({ ids, name, all }: Selection): void {
  const ways = [ids.length > 0, name !== undefined, all].filter(Boolean).length;
  if (ways === 1) return;
  throw new UsageError(
    ways === 0
      ? "Which dead letters? Give ids, --name <task> or --all. `npm run dead-letters` lists them."
      : "Give one of ids, --name and --all.",
  );
}

/** @throws UsageError where some of a file's letters are asked for */
export function refuseSelected({ ids, name, all }: Selection): void {
  if (name === undefined && !all && ids.length === 0) return;
  throw new UsageError("--from sends all that is in the file: give no ids, --name or --all.");
}

/** Whether a letter is meant. */
export function isSelected({ ids, name, all }: Selection, { id, task }: Letter): boolean {
  if (all) return true;
  if (name !== undefined) return task?.name === name;
  return ids.includes(id) || (task !== undefined && ids.includes(task.id));
}

/** Which of the wanted ids have been there. */
export class FoundIds {
  private readonly missing: Set<string>;

  constructor({ ids }: Selection) {
    this.missing = new Set(ids);
  }

  add(letters: readonly Letter[]): void {
    for (const { id, task } of letters) {
      this.missing.delete(id);
      if (task) this.missing.delete(task.id);
    }
  }

  /** @throws UserError that names the ids of which there was no letter */
  refuseMissing(): void {
    if (this.missing.size === 0) return;
    throw new UserError(`No dead letter has the id ${[...this.missing].join(", ")}.`);
  }
}
