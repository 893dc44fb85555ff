import type { TaskRecord } from "../task-history/task-record.ts";
import type { TaskFilter } from "../task-history/tasks.ts";
import type { ListFilter, TaskList } from "./source.ts";
import { type NameQueue, SHOWN, summarize } from "./summary.ts";
import { formatArguments } from "./task-text.ts";

const DEFAULT_LIMIT = 500;

/** Lists tasks, the last changed first. */
export type FindTasks = (filter: TaskFilter) => readonly TaskRecord[];

/** The rows that a filter asks for. */
export function listTasks(
  find: FindTasks,
  { show = "all", search = "", before, limit = DEFAULT_LIMIT }: ListFilter,
  nameQueue: NameQueue,
): TaskList {
  const states = SHOWN[show];
  const wanted = search.trim().toLowerCase();
  const found = find({
    ...{ limit: limit + 1, ...(states && { states }), ...(before !== undefined && { before }) },
    ...(wanted !== "" && { where: (task) => textOf(task).includes(wanted) }),
  });
  const tasks = found.slice(0, limit).map((task) => summarize(task, nameQueue));
  return { tasks, more: found.length > limit };
}

/** What a search looks through. */
function textOf({
  id,
  name = "",
  args,
  kwargs,
  error,
}: Pick<TaskRecord, "id" | "name" | "args" | "kwargs" | "error">): string {
  const raised = error ? `${error.type}: ${error.message}` : "";
  return `${name} ${id} ${formatArguments({ args, kwargs })} ${raised}`.toLowerCase();
}
