import type { TaskRecord } from "../../../packages/task-history/task-record.ts";
import { UserError } from "../shell/user-error.ts";

const LISTED = 5;

/**
 * The task of an id, or of its beginning where only one has it.
 *
 * @throws UserError when there is none, or several begin so
 */
export function findTask(tasks: readonly TaskRecord[], id: string): TaskRecord {
  const exact = tasks.find((task) => task.id === id);
  if (exact) return exact;
  const [first, ...others] = tasks.filter((task) => task.id.startsWith(id));
  if (first === undefined) {
    throw new UserError(
      `Task "${id}" is not known, or no longer kept. Ids stand in the list of tasks.`,
    );
  }
  if (others.length === 0) return first;
  const ids = [first, ...others].slice(0, LISTED).map((task) => task.id);
  throw new UserError(
    `${others.length + 1} tasks begin with "${id}": ${ids.join(", ")}. Write more of it.`,
  );
}
