/**
 * What Yandex Message Queue allows.
 *
 * @see https://yandex.cloud/en/docs/message-queue/concepts/limits
 */
export const MAX_MESSAGE_BYTES = 262_144;
export const MIN_MESSAGE_LIMIT_BYTES = 1024;
export const MAX_ATTRIBUTES = 10;
export const MAX_BATCH = 10;
export const MAX_DELAY_SECONDS = 900;
export const MAX_WAIT_SECONDS = 20;
export const MAX_VISIBILITY_SECONDS = 43_200;
export const MIN_RETENTION_SECONDS = 60;
export const MAX_RETENTION_SECONDS = 1_209_600;
export const MAX_RECEIVE_COUNT = 1000;
export const MAX_QUEUES = 1000;
export const MAX_TAGS = 50;
export const MAX_IN_FLIGHT = 120_000;
/** How long the name of a deleted queue cannot be used. */
export const NAME_REST_MS = 60_000;

export const DEFAULT_VISIBILITY_SECONDS = 30;
export const DEFAULT_RETENTION_SECONDS = 345_600;
