import { decodeTask } from "../events/decode-task.ts";
import type { TaskFacts } from "../events/event.ts";

// What Celery sends is a JSON object, mostly in base64. Trying to decode anything else takes time.
const CELERY = /^\s*(\{|ey)/;

/** What a message says about its task, where it is one of Celery's. */
export function taskOf(body: string): TaskFacts | undefined {
  return CELERY.test(body) ? decodeTask(body) : undefined;
}
