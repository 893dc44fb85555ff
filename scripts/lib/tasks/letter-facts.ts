import type { Fact } from "../../../packages/task-history/fact.ts";
import type { TaskRecord } from "../../../packages/task-history/task-record.ts";
import type { Letter } from "../queue/letters.ts";

/** After all else of its millisecond. */
const LAST = 9;

/**
 * What a dead letter says of its task: what was sent, and that it is dead. When it died is said
 * nowhere; not before what else is known of the task.
 *
 * @param known of the task so far
 */
export function factsOfLetter(
  { id, sentAt, queue, task }: Letter,
  known: Pick<TaskRecord, "state" | "attempts" | "changedAt"> | undefined,
): Fact[] {
  // That a letter has the id that the message had is documented nowhere.
  const hidden = known?.state === "hidden" ? known.attempts.at(-1)?.messageId : undefined;
  const of = { messageId: hidden ?? id, ...(task && { taskId: task.id }) };
  const died = Math.max(sentAt, known?.changedAt ?? 0);
  const deadLetterQueue = queue.deadLetterUrl.split("/").at(-1) ?? "";
  return [
    {
      ...{ id: `letter/${id}/sent`, at: sentAt, order: 1, ...of },
      ...{ kind: "sent", queue: queue.name, sentAt, ...(task && { task }) },
    },
    {
      ...{ id: `letter/${id}/dead`, at: died, order: LAST, ...of },
      ...{ kind: "dead", queue: queue.name, deadLetterQueue },
    },
  ];
}
