import type { TaskRecord } from "../task-history/task-record.ts";

/** The task from which a task descends, itself if nothing has sent it. */
export function rootOf({ id, rootId }: Pick<TaskRecord, "id" | "rootId">): string {
  return rootId ?? id;
}

/** Tasks that descend from the same root as a task, in the order in which they were sent. */
export function familyOf(task: TaskRecord, tasks: readonly TaskRecord[]): readonly TaskRecord[] {
  const root = rootOf(task);
  return tasks
    .filter((other) => rootOf(other) === root)
    .sort((one, other) => (one.publishedAt ?? 0) - (other.publishedAt ?? 0));
}
