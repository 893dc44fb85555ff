import type { LogEntry } from "../../packages/task-history/log-entry.ts";

let count = 0;

/**
 * The entry of the worker's line about a message in the log, of a task that has succeeded; each is another
 * one. That the worker says the same is held by test/local-cloud/parity.deep.test.ts.
 *
 * @param at milliseconds since the epoch
 */
export function workerEntry(at: number, payload: object) {
  count += 1;
  return {
    ...{ uid: `u${count}`, timestamp: new Date(at).toISOString() },
    ...{ level: "INFO", message: "shop.pay: SUCCESS" },
    json_payload: {
      ...{ logger: "celery_push_worker", message_id: `m${count}`, request_id: `r${count}` },
      ...{ outcome: "done", state: "SUCCESS", attempt: 1, duration_seconds: 0.5 },
      ...{ queue: "default", queue_latency_seconds: 2, ...payload },
    },
  } satisfies LogEntry;
}
