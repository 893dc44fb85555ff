import { decodeTask } from "./events/decode-task.ts";
import type { Report } from "./events/event.ts";
import type { PeekedMessage, Queues } from "./queue/queues.ts";

/** Reports what an earlier run has left in the queues, so that nothing waits there unseen. */
export function reportKept(queues: Queues, report: Report, now: number): void {
  for (const name of queues.names) {
    const [source] = queues.sourcesOf(name);
    for (const message of queues.peek(name)) reportMessage(message, name, source, report, now);
  }
}

function reportMessage(
  { messageId, bytes, body, visibleAt, receiveCount, from }: PeekedMessage,
  name: string,
  source: string | undefined,
  report: Report,
  now: number,
): void {
  const queue = from ?? source ?? name;
  const delaySeconds = Math.max(0, (visibleAt ?? now) - now) / 1000;
  const task = decodeTask(body);
  report({ type: "published", queue, messageId, bytes, delaySeconds, task });
  if (queue !== name)
    report({ type: "dead", queue, messageId, deadLetterQueue: name, receiveCount });
}
