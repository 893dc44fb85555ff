import { type QueueCall, queueName } from "./_action.ts";
import { optionalText } from "./_input.ts";
import { QueueError } from "./errors.ts";

/**
 * What `ymq.writer` allows, the only role on queues that the stack gives its containers.
 *
 * @see https://yandex.cloud/en/docs/message-queue/security/
 */
const WRITER: ReadonlySet<string> = new Set([
  "CreateQueue",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ListDeadLetterSourceQueues",
  "ListQueues",
  "ListQueueTags",
  "SendMessage",
  "SendMessageBatch",
]);

/** Who asks, and of what. */
export interface QueueCaller {
  /** Whether there are the stack's queues and no others. */
  readonly stackOnly: boolean;
  readonly isContainer: boolean;
}

/** Rejects what the caller's role does not allow, and new queues that nothing would read. */
export function checkRights(action: string, call: QueueCall, caller: QueueCaller): void {
  if (caller.isContainer && !WRITER.has(action)) {
    throw new QueueError(
      "AccessDeniedException",
      `${action} on ${queueName(call)} by a container: its role is ymq.writer, which does not allow it.`,
      "The trigger receives the messages; to read them from outside, use the variables that `npm run local -- env` prints",
    );
  }
  if (action === "CreateQueue" && caller.stackOnly) checkNew(call);
}

function checkNew({ input, queues }: QueueCall): void {
  const name = optionalText(input, "QueueName");
  if (name === undefined || queues.has(name)) return;
  throw new QueueError(
    "AccessDeniedException",
    `There is no queue "${name}" in the stack, so nothing would receive its messages; there are ${queues.names.join(", ") || "none"}.`,
    "Send to one of these (with Celery, by task_default_queue, task_queues or a route, under the names in predefined_queues), or add one: queues in config.ts",
  );
}
