// Limits and defaults of Yandex Message Queue. Where no other page is named:
// https://yandex.cloud/en/docs/message-queue/concepts/limits
// https://yandex.cloud/en/docs/message-queue/api-ref/queue/CreateQueue

/** Largest message with its attributes, in bytes: 256 KB. The sum of a batch may be no larger. */
export const MAX_MESSAGE_BYTES = 262_144;
/** Least value of a queue's own limit, `MaximumMessageSize`, in bytes. */
export const MIN_MESSAGE_LIMIT_BYTES = 1024;
/** Attributes of a message. */
export const MAX_ATTRIBUTES = 10;
/** Messages in one request of a batch, and in one receive. */
export const MAX_BATCH = 10;
/** Longest delay of a message: 15 minutes. */
export const MAX_DELAY_SECONDS = 900;
/**
 * Longest wait of a receive.
 *
 * @see https://yandex.cloud/en/docs/message-queue/api-ref/message/ReceiveMessage
 */
export const MAX_WAIT_SECONDS = 20;
/**
 * Longest visibility timeout: 12 hours.
 *
 * @see https://yandex.cloud/en/docs/message-queue/api-ref/message/ChangeMessageVisibility
 */
export const MAX_VISIBILITY_SECONDS = 43_200;
/** Shortest retention of messages. */
export const MIN_RETENTION_SECONDS = 60;
/** Longest retention of messages: 14 days. */
export const MAX_RETENTION_SECONDS = 1_209_600;
/** Largest `maxReceiveCount` of a redrive policy. */
export const MAX_RECEIVE_COUNT = 1000;
/** Queues in a cloud. */
export const MAX_QUEUES = 1000;
/** Tags of a queue. */
export const MAX_TAGS = 50;
/** Messages of a queue that are received and not deleted yet. */
export const MAX_IN_FLIGHT = 120_000;
/** How long the name of a deleted queue cannot be used: a minute. */
export const NAME_REST_MS = 60_000;

/** Visibility timeout of a queue that states none. */
export const DEFAULT_VISIBILITY_SECONDS = 30;
/** Retention of a queue that states none: 4 days. */
export const DEFAULT_RETENTION_SECONDS = 345_600;
