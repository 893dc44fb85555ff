import type { TaskRecord, WaitCause } from "../task-history/task-record.ts";
import type { Reason } from "./source.ts";

/** The field of `config.ts` that decides how long a wait is, where one does. */
const FIELDS: { readonly [cause in WaitCause]?: string } = {
  hidden: "worker.timeoutSeconds",
  capacity: "worker.concurrency",
  batch: "batchCutoffSeconds",
};

const WAITING: { readonly [state in TaskRecord["state"]]?: WaitCause } = {
  delayed: "delay",
  waiting: "queue",
  retrying: "retry",
  hidden: "hidden",
};

/**
 * Why a task waits.
 *
 * @param queue Celery's name of the queue, where it is not the default one: it may have fields of its own
 */
export function reasonFor(cause: WaitCause, queue = "default"): Reason {
  const field = FIELDS[cause];
  if (field === undefined) return { cause, fields: [] };
  return { cause, fields: queue === "default" ? [field] : [`queues.${queue}.${field}`, field] };
}

/** Why it waits at the moment; `undefined` where it does not. */
export function presentReason(
  { state }: Pick<TaskRecord, "state">,
  {
    queue,
    paused = false,
  }: { readonly queue?: string | undefined; readonly paused?: boolean } = {},
): Reason | undefined {
  const cause = WAITING[state];
  if (cause === "queue" && paused) return { cause: "paused", fields: [] };
  return cause && reasonFor(cause, queue);
}
