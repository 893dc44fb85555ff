import type { TaskError } from "../task-history/task-record.ts";
import type { DeadLetterGroup } from "./source.ts";

/** A message among the dead letters, and what is known of its task. */
export interface DeadLetter {
  readonly messageId: string;
  /** The message's where it is not Celery's. */
  readonly taskId: string;
  /** Of the task; empty where it is not Celery's. */
  readonly name: string;
  /** Celery's name of the queue it came from. */
  readonly queue: string;
  readonly sentAt: number;
  /** @default - nothing is known: a container died, or the result has expired */
  readonly error?: Pick<TaskError, "type" | "message">;
}

type Group = { -readonly [field in keyof DeadLetterGroup]: DeadLetterGroup[field] } & {
  letters: { messageId: string; taskId: string }[];
};

/**
 * Dead letters of the same task, queue and type of error together, the largest group first. The message
 * of the error is empty where they have several.
 */
export function groupLetters(letters: readonly DeadLetter[]): readonly DeadLetterGroup[] {
  const groups = new Map<string, Group>();
  for (const { messageId, taskId, name, queue, sentAt, error } of letters) {
    const { type, message } = error ?? { type: "", message: "" };
    const key = JSON.stringify([name, queue, type]);
    const group = groups.get(key) ?? {
      ...{ name, queue, error: { type, message }, count: 0, oldestAt: sentAt, letters: [] },
    };
    groups.set(key, group);
    group.count += 1;
    group.oldestAt = Math.min(group.oldestAt, sentAt);
    if (group.error.message !== message) group.error = { type, message: "" };
    group.letters.push({ messageId, taskId });
  }
  return [...groups.values()].sort((one, other) => other.count - one.count);
}
