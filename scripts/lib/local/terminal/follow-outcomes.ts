import type { EventStore } from "../../../../packages/local-cloud/events/store.ts";
import type { Outcome, TaskRecord } from "../../../../packages/local-cloud/events/task-record.ts";

/** A container's last log lines arrive by a pipe, often after its answer. */
const LATE_LINES_MS = 80;

/**
 * Passes on every outcome with its task, as soon as what was logged of it is there too. The returned
 * function passes on what is left and stops.
 */
export function followOutcomes(
  events: EventStore,
  show: (task: TaskRecord, outcome: Outcome) => void,
): () => void {
  const pending = new Map<NodeJS.Timeout, () => void>();
  const unsubscribe = events.subscribeOutcomes((outcome) => {
    const act = () => {
      pending.delete(timer);
      const task = events.task(outcome.taskId);
      if (task) show(task, outcome);
    };
    const timer = setTimeout(act, LATE_LINES_MS);
    pending.set(timer, act);
  });
  return () => {
    unsubscribe();
    for (const [timer, act] of [...pending]) {
      clearTimeout(timer);
      act();
    }
  };
}
