import { harmless } from "../../../packages/local-cloud/support/harmless.ts";
import type { TaskRecord } from "../../../packages/task-history/task-record.ts";

/** A chain that was published from within itself has no end. */
const MAX_LINES = 50;

/** Who has sent whom, indented; nothing for a task without family. */
export function familyLines(task: TaskRecord, family: readonly TaskRecord[]): string[] {
  if (family.length < 2) return [];
  const ids = new Set(family.map(({ id }) => id));
  const isTop = ({ parentId }: TaskRecord) => parentId === undefined || !ids.has(parentId);
  const lines: string[] = [];
  const seen = new Set<string>();
  const add = (member: TaskRecord, depth: number) => {
    if (seen.has(member.id)) return;
    seen.add(member.id);
    const { id, name = "message", state } = member;
    const here = id === task.id ? "  (this one)" : "";
    lines.push(`${"  ".repeat(depth)}${harmless(name)}  ${state}  ${harmless(id)}${here}`);
    for (const child of family) if (child.parentId === id) add(child, depth + 1);
  };
  for (const member of family) if (isTop(member)) add(member, 0);
  // Parents in a circle: nothing says that there are none.
  for (const member of family) add(member, 0);
  const rest = lines.length - MAX_LINES;
  return rest <= 0 ? lines : [...lines.slice(0, MAX_LINES), `and ${rest} more`];
}
