import type { Refuse } from "./_refusal.ts";
import type { CeleryContainerProps } from "./celery-container.ts";
import type { DeadLetterProps } from "./message-queue-props.ts";
import type { QueueTriggerProps } from "./queue-trigger.ts";

/** A queue of Celery's beside the one that is always there. */
export interface CeleryQueueProps
  extends Pick<QueueTriggerProps, "batchSize" | "batchCutoffSeconds">,
    Pick<DeadLetterProps, "maxReceiveCount"> {
  /**
   * A container of the queue's own, `{}` for one with the defaults, so that its tasks and others' do
   * not wait for each other.
   *
   * @example { memoryMib: 4096, timeoutSeconds: 3600 }
   * @default - the worker runs its tasks; with `workerPath` the site does
   */
  readonly worker?: CeleryContainerProps;
}

/** Queues by the names that Celery's `task_routes` and `queue=` have for them. */
export type CeleryQueues = Readonly<Record<string, CeleryQueueProps>>;

/** What Celery calls the queue that is always there. */
const DEFAULT_QUEUE = "default";

/** What is wrong with the names, which become parts of the cloud's. */
export function checkQueueNames(queues: CeleryQueues | undefined, refuse: Refuse): void {
  for (const name of Object.keys(queues ?? {})) {
    refuse(!/^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/.test(name), {
      field: `queues.${name}`,
      value: name,
      allowed:
        "lowercase letters, digits, hyphens and underscores, a letter or digit first and last",
      fix: "Rename the queue, also in Celery's routes",
    });
    refuse(name === DEFAULT_QUEUE, {
      field: `queues.${name}`,
      value: name,
      allowed: "a further queue: this one is always there",
      fix: "Remove it, and write what it needs under 'worker', 'batchSize' and 'batchCutoffSeconds'",
    });
    refuse(/(^|[_-])dead$/.test(name), {
      field: `queues.${name}`,
      value: name,
      allowed: 'a name that does not end in "dead", as those of dead letters do',
      fix: "Rename the queue, also in Celery's routes",
    });
  }
}
