import { decodeTask } from "../../task-history/decode-task.ts";
import type { Report } from "../events/event.ts";
import type { PeekedMessage, Queues } from "./queues.ts";

/** Reports what an earlier run has left in the queues, so that nothing waits there unseen. */
export function reportKept(queues: Queues, report: Report): void {
  for (const name of queues.names) {
    const [source] = queues.sourcesOf(name);
    for (const message of queues.peek(name)) reportMessage(message, name, source, queues, report);
  }
}

function reportMessage(
  message: PeekedMessage,
  name: string,
  source: string | undefined,
  { sentTasks }: Queues,
  report: Report,
): void {
  const { messageId, bytes, body, attributes, sentAt, receiveCount, from } = message;
  const { visibleAt = sentAt } = message;
  const queue = from ?? source ?? name;
  const isReceived = receiveCount > 0;
  const delaySeconds = isReceived ? 0 : (visibleAt - sentAt) / 1000;
  const task = decodeTask(body);
  if (task) sentTasks.keep(task.id, { queue, body, attributes });
  report({ type: "published", queue, messageId, bytes, delaySeconds, sentAt, task });
  if (isReceived && visibleAt > sentAt) report({ type: "hidden", queue, messageId, visibleAt });
  if (queue !== name)
    report({ type: "dead", queue, messageId, deadLetterQueue: name, receiveCount });
}
