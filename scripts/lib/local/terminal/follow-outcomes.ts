import type { EventStore } from "../../../../packages/local-cloud/events/store.ts";
import type { Outcome, TaskRecord } from "../../../../packages/task-history/task-record.ts";
import { LateLines } from "./late-lines.ts";

/**
 * Passes on every outcome with its task, as soon as what was logged of it is there too. The returned
 * function passes on what is left and stops.
 */
export function followOutcomes(
  events: EventStore,
  show: (task: TaskRecord, outcome: Outcome) => void,
): () => void {
  const late = new LateLines();
  const unsubscribe = events.subscribeOutcomes((outcome) =>
    late.after(() => {
      const task = events.task(outcome.taskId);
      if (task) show(task, outcome);
    }),
  );
  return () => {
    unsubscribe();
    late.end();
  };
}
