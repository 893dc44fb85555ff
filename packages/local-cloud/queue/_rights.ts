import { CONTAINER_KEY_ID } from "../stack/local-ids.ts";
import { QueueError } from "./errors.ts";

// https://yandex.cloud/en/docs/message-queue/security/: the containers' account has `ymq.writer`,
// which sends, creates, lists and views. These need `ymq.reader` or `ymq.admin`.
const NOT_A_WRITERS: ReadonlySet<string> = new Set([
  "ReceiveMessage",
  "DeleteMessage",
  "DeleteMessageBatch",
  "ChangeMessageVisibility",
  "ChangeMessageVisibilityBatch",
  "PurgeQueue",
  "SetQueueAttributes",
  "DeleteQueue",
]);

/** Refuses the containers' key what their account has no right to; any other key may do all. */
export function refuseRights(authorization: string | undefined, action: string | undefined): void {
  const isContainers = authorization?.includes(`Credential=${CONTAINER_KEY_ID}/`);
  if (!isContainers || !NOT_A_WRITERS.has(action ?? "")) return;
  throw new QueueError(
    "AccessDeniedException",
    `The containers' account has ymq.writer on the queue, which does not allow ${action}.`,
    "Leave receiving to the trigger, or use a key of your own",
  );
}
