import { MessageQueue as Resource } from "@cdktf/provider-yandex/lib/message-queue";
import { Fn, Lazy } from "cdktf";
import { Construct } from "constructs";
import { checkQuota } from "./_quotas.ts";
import { refuseAtSynth } from "./_refusal.ts";
import {
  checkConsumers,
  checkMessageQueue,
  type DeadLetterProps,
  deadLetterName,
  MAX_RETENTION_SECONDS,
  type MessageQueueConsumer,
  type MessageQueueProps,
  neededVisibility,
} from "./message-queue-props.ts";
import type { ServiceAccount } from "./service-account.ts";

// Each delivery counts, also one that no instance was free to take. A small number would send
// healthy messages of a backlog to the dead letters.
const DEFAULT_MAX_RECEIVE_COUNT = 10;

/**
 * A queue, and beside it one for the messages that failed too often, so that a broken task neither
 * blocks the others nor disappears.
 *
 * The queue does not know what reads it: a trigger says so by `consumedBy`, and the time that a
 * delivered message stays hidden follows from the reader's timeout.
 *
 * @example
 * const queue = new MessageQueue(this, "Tasks", { name: "shop-tasks" });
 * queue.grantSend(account);
 */
export class MessageQueue extends Construct {
  /** What clients of the queue connect to. */
  readonly url: string;
  /** What triggers and redrive policies call the queue. */
  readonly arn: string;
  readonly name: string;
  readonly fifo: boolean;
  /** Where failed messages go; `undefined` with `deadLetters: false`. */
  readonly deadLetterQueue?: MessageQueue;

  private readonly consumers: MessageQueueConsumer[] = [];

  constructor(scope: Construct, id: string, props: MessageQueueProps) {
    super(scope, id);
    this.checkAtSynth(props);
    this.name = props.name;
    this.fifo = props.fifo ?? false;
    this.deadLetterQueue = this.defineDeadLetters(props);
    const resource = this.defineQueue(props);
    this.url = resource.id;
    this.arn = resource.arn;
  }

  /** Lets an account send messages: `ymq.writer` on its folder, for a queue has no rights of its own. */
  grantSend(account: ServiceAccount): void {
    account.grantOnFolder("ymq.writer");
  }

  /**
   * Lets an account receive and delete messages: `ymq.reader` on its folder, for a queue has no
   * rights of its own.
   */
  grantReceive(account: ServiceAccount, role = "ymq.reader"): void {
    account.grantOnFolder(role);
  }

  /** Says what reads the queue. One consumer at most, as one trigger at most can read a queue. */
  consumedBy(consumer: MessageQueueConsumer): void {
    this.consumers.push(consumer);
  }

  private checkAtSynth(props: MessageQueueProps): void {
    // The queue checks its dead letters too, in the words its user wrote.
    if (this.node.scope instanceof MessageQueue) return;
    refuseAtSynth(this, (refuse) => {
      checkConsumers(this.consumers, refuse);
      checkMessageQueue(props, this.consumers[0], refuse);
      const all = this.node.root.node.findAll().filter((it) => it instanceof MessageQueue);
      checkQuota("queues", all, this, refuse);
    });
  }

  private defineDeadLetters(props: MessageQueueProps): MessageQueue | undefined {
    if (props.deadLetters === false) return undefined;
    return new MessageQueue(this, "DeadLetters", {
      name: deadLetterName(props.name),
      retentionSeconds: MAX_RETENTION_SECONDS,
      fifo: props.fifo,
      key: props.key,
      deadLetters: false,
    });
  }

  private defineQueue(props: MessageQueueProps): Resource {
    const resource = new Resource(this, "Resource", {
      name: props.name,
      messageRetentionSeconds: props.retentionSeconds,
      fifoQueue: props.fifo,
      // The consumer is not known yet.
      visibilityTimeoutSeconds: Lazy.numberValue({
        produce: () => props.visibilityTimeoutSeconds ?? neededVisibility(this.consumers[0]),
      }),
      redrivePolicy:
        this.deadLetterQueue && renderRedrivePolicy(this.deadLetterQueue, props.deadLetters || {}),
      accessKey: props.key?.accessKey,
      secretKey: props.key?.secretKey,
    });
    props.key?.precedes(resource);
    return resource;
  }
}

// The provider compares this text with the cloud's, letter by letter: keys in alphabetical order, no
// spaces, the count as a number.
function renderRedrivePolicy(target: MessageQueue, { maxReceiveCount }: DeadLetterProps): string {
  return Fn.jsonencode({
    deadLetterTargetArn: target.arn,
    maxReceiveCount: maxReceiveCount ?? DEFAULT_MAX_RECEIVE_COUNT,
  });
}
