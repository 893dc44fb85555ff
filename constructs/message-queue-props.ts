import { Op, Token } from "cdktf";
import type { Construct } from "constructs";
import { isKnown, mismatches, outside, type Refuse } from "./_refusal.ts";
import type { StaticKey } from "./static-key.ts";

const LIMITS = "https://yandex.cloud/en/docs/message-queue/concepts/limits, November 2026";
const MAX_NAME_LENGTH = 80;
const NAME = /^(?=.{1,80}$)[0-9A-Za-z_-]+(\.fifo)?$/;
const FIFO_SUFFIX = ".fifo";
/** How long any queue may keep a message: 14 days. Dead letters count it from when they were sent. */
export const MAX_RETENTION_SECONDS = 1_209_600;
const MAX_VISIBILITY_SECONDS = 43_200;

// A request that was cut at its timeout still has to be noticed by the trigger, and one that
// succeeded at the last moment has to be followed by the deletion of its messages. Until then the
// message must stay hidden, or it is worked on twice.
const VISIBILITY_MARGIN_SECONDS = 60;

/** Where a message goes that failed too often. */
export interface DeadLetterProps {
  /** Deliveries of a message before it is moved, 1 to 1000. @default 10 */
  readonly maxReceiveCount?: number;
}

/**
 * Props of {@link MessageQueue}.
 *
 * @see https://yandex.cloud/en/docs/message-queue/api-ref/queue/CreateQueue
 */
export interface MessageQueueProps {
  /**
   * Name in the folder: up to 80 letters, digits, hyphens and underscores. It cannot be changed, and
   * is free again 60 seconds after a queue of that name was deleted.
   */
  readonly name: string;
  /**
   * Seconds that a delivered message stays hidden, 0 to 43200.
   *
   * @default - the consumer's timeout and batch cutoff and 60 seconds; 30 without a consumer
   */
  readonly visibilityTimeoutSeconds?: number;
  /** Seconds that an unread message is kept, 60 to 1209600. @default 345600 (4 days) */
  readonly retentionSeconds?: number;
  /** Whether messages keep their order. No trigger reads such a queue. @default false */
  readonly fifo?: boolean;
  /** Queue for what failed too often; `false` for none. @default - one named `<name>-dead` */
  readonly deadLetters?: false | DeadLetterProps;
  /**
   * Key that creates and reads the queue; its account needs `ymq.admin`. The access key, and with it
   * the secret, is then in the state.
   *
   * @default - the provider takes YC_MESSAGE_QUEUE_ACCESS_KEY and YC_MESSAGE_QUEUE_SECRET_KEY
   */
  readonly key?: StaticKey;
}

/** Who takes messages out of a queue, and for how long at most. */
export interface MessageQueueConsumer {
  /** Seconds that a request may take. */
  readonly timeoutSeconds: number;
  /** Seconds that messages may wait for a batch to fill. */
  readonly cutoffSeconds: number;
  readonly by: Construct;
}

/** Rejects what the service or the provider would reject, and timeouts that make tasks run twice. */
export function checkMessageQueue(
  props: MessageQueueProps,
  consumer: MessageQueueConsumer | undefined,
  refuse: Refuse,
): void {
  checkNames(props, refuse);
  refuse(outside(props.retentionSeconds, 60, MAX_RETENTION_SECONDS), {
    field: "retentionSeconds",
    value: props.retentionSeconds,
    allowed: "60 to 1209600 seconds (14 days)",
    fix: "Leave it out for 4 days",
    source: LIMITS,
  });
  checkVisibility(props.visibilityTimeoutSeconds, consumer, refuse);
  const { maxReceiveCount } = props.deadLetters || {};
  refuse(outside(maxReceiveCount, 1, 1000), {
    field: "deadLetters.maxReceiveCount",
    value: maxReceiveCount,
    allowed: "1 to 1000 deliveries",
    fix: "Leave it out for 10",
    source: LIMITS,
  });
}

/** Rejects a second consumer. */
export function checkConsumers(consumers: readonly MessageQueueConsumer[], refuse: Refuse): void {
  const paths = consumers.map((consumer) => consumer.by.node.path);
  refuse(paths.length > 1, {
    field: "consumedBy",
    value: paths,
    allowed: "one trigger to a queue",
    fix: `Give one of ${paths.join(" and ")} a queue of its own`,
  });
}

function checkNames({ name, fifo = false, deadLetters }: MessageQueueProps, refuse: Refuse): void {
  const misshapen = mismatches(name, NAME);
  refuse(misshapen, {
    field: "name",
    value: name,
    allowed: "1 to 80 letters, digits, hyphens and underscores",
    fix: "Rename the queue",
  });
  if (misshapen || !isKnown(name)) return;
  refuse(name.endsWith(FIFO_SUFFIX) !== fifo, {
    field: "name",
    value: name,
    allowed: fifo ? "a name that ends in .fifo" : "a name that does not end in .fifo",
    fix: fifo ? "Append .fifo, or leave out fifo" : "Remove .fifo, or set fifo",
  });
  refuse(deadLetters !== false && deadLetterName(name).length > MAX_NAME_LENGTH, {
    field: "name",
    value: name,
    allowed: "5 characters less than 80, because the queue of dead letters adds -dead",
    fix: "Shorten the name, or set deadLetters to false",
  });
}

function checkVisibility(
  visibility: number | undefined,
  consumer: MessageQueueConsumer | undefined,
  refuse: Refuse,
): void {
  const needed = neededVisibility(consumer);
  const path = consumer?.by.node.path;
  refuse(outside(visibility, 0, MAX_VISIBILITY_SECONDS), {
    field: "visibilityTimeoutSeconds",
    value: visibility,
    allowed: "0 to 43200 seconds (12 hours)",
    fix: "Leave it out to have it follow from the consumer's timeout",
    source: LIMITS,
  });
  refuse(isKnown(visibility) && isKnown(needed) && visibility < needed, {
    field: "visibilityTimeoutSeconds",
    value: visibility,
    allowed: `at least ${needed} seconds, which is the timeout of ${path}, its batch cutoff and 60`,
    fix: "Leave it out: a message that shows up while it is worked on runs twice",
  });
  refuse(visibility === undefined && isKnown(needed) && needed > MAX_VISIBILITY_SECONDS, {
    field: "visibilityTimeoutSeconds",
    value: needed,
    allowed: "0 to 43200 seconds (12 hours), also where it follows from the consumer",
    fix: `Shorten the timeout of ${path}`,
  });
}

/** Seconds that a message has to stay hidden while a consumer has it. */
export function neededVisibility(consumer: MessageQueueConsumer | undefined): number | undefined {
  if (!consumer) return undefined;
  const { timeoutSeconds, cutoffSeconds } = consumer;
  if (isKnown(timeoutSeconds) && isKnown(cutoffSeconds)) {
    return timeoutSeconds + cutoffSeconds + VISIBILITY_MARGIN_SECONDS;
  }
  return Token.asNumber(Op.add(Op.add(timeoutSeconds, cutoffSeconds), VISIBILITY_MARGIN_SECONDS));
}

/** The name of the queue that holds a queue's dead letters. */
export function deadLetterName(name: string): string {
  if (!isKnown(name) || !name.endsWith(FIFO_SUFFIX)) return `${name}-dead`;
  return `${name.slice(0, -FIFO_SUFFIX.length)}-dead${FIFO_SUFFIX}`;
}
