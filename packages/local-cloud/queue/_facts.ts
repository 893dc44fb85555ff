import { decodeTask } from "../events/decode-task.ts";
import type { TaskFacts } from "../events/event.ts";

// What Celery sends is a JSON object, mostly in base64. Trying to decode anything else takes time.
const CELERY = /^\s*(\{|ey)/;

/** A message's task, as a field of its event. */
export function factsOf(body: string): { readonly task?: TaskFacts } {
  if (!CELERY.test(body)) return {};
  const task = decodeTask(body);
  return task ? { task } : {};
}
