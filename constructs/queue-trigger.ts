import { FunctionTrigger } from "@cdktf/provider-yandex/lib/function-trigger";
import { Tokenization } from "cdktf";
import { Construct } from "constructs";
import { checkName, type NamedProps } from "./_name.ts";
import { checkQuota } from "./_quotas.ts";
import { outside, type Refuse, refuseAtSynth } from "./_refusal.ts";
import { checkTriggerPath } from "./_trigger.ts";
import { TriggerOutput } from "./_trigger-output.ts";
import type { MessageQueue } from "./message-queue.ts";
import type { ServerlessContainer } from "./serverless-container.ts";
import type { ServiceAccount } from "./service-account.ts";
import type { TriggerMaker } from "./trigger-spec.ts";

const LIMITS =
  "https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/ymq-trigger, November 2026";

/**
 * Props of {@link QueueTrigger}.
 *
 * @see https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/ymq-trigger
 */
export interface QueueTriggerProps extends NamedProps {
  /** A standard queue that no other trigger reads. */
  readonly queue: MessageQueue;
  /** What the messages are sent to, as a POST. */
  readonly container: ServerlessContainer;
  /** Path of the request. @default "/" */
  readonly path?: string;
  /** Account that reads the queue. */
  readonly reader: ServiceAccount;
  /** Role of the reader on its folder. @default "ymq.reader" */
  readonly readerRole?: string;
  /** Account that calls the container. */
  readonly invoker: ServiceAccount;
  /** Messages to a request, 1 to 10. A failed batch comes back whole. @default 1 */
  readonly batchSize?: number;
  /** Seconds that messages are gathered for, 1 to 20. @default 1 */
  readonly batchCutoffSeconds?: number;
  /** What creates the trigger: `npm run trigger`, or Terraform. Both create the same. @default "yc" */
  readonly trigger?: TriggerMaker;
}

/**
 * Hands the messages of a queue to a container, and grants both accounts what they need for it.
 *
 * With `trigger: "yc"` only an entry in output `triggers` is defined, and `npm run trigger`
 * creates the trigger from it. There are no retries and no dead letters here: what failed goes back to the
 * queue, whose redrive policy counts.
 *
 * @example
 * new QueueTrigger(this, "Trigger", { name: "shop-tasks", queue, container, reader, invoker });
 */
export class QueueTrigger extends Construct {
  readonly name: string;

  private readonly props: Required<QueueTriggerProps>;

  constructor(scope: Construct, id: string, props: QueueTriggerProps) {
    super(scope, id);
    this.name = props.name;
    this.props = {
      ...props,
      path: props.path ?? "/",
      readerRole: props.readerRole ?? "ymq.reader",
      batchSize: props.batchSize ?? 1,
      batchCutoffSeconds: props.batchCutoffSeconds ?? 1,
      trigger: props.trigger ?? "yc",
    };
    refuseAtSynth(this, (refuse) => {
      checkQueueTrigger(this.props, refuse);
      checkQuota("triggers", TriggerOutput.of(this).triggers, this, refuse);
    });
    this.connect();
    this.describe();
    if (this.props.trigger === "terraform") this.defineTrigger();
  }

  private connect(): void {
    const { queue, container, reader, readerRole, invoker, batchCutoffSeconds } = this.props;
    queue.consumedBy({
      timeoutSeconds: container.timeoutSeconds,
      cutoffSeconds: batchCutoffSeconds,
      by: this,
    });
    queue.grantReceive(reader, readerRole);
    container.grantInvoke(invoker);
  }

  private describe(): void {
    const { queue, container, path, reader, invoker, trigger } = this.props;
    const spec = {
      kind: "queue",
      queueArn: queue.arn,
      readerId: reader.id,
      containerId: container.id,
      path,
      invokerId: invoker.id,
      batchSize: this.props.batchSize,
      batchCutoffSeconds: this.props.batchCutoffSeconds,
      folderId: invoker.folderId,
      trigger,
    } as const;
    TriggerOutput.of(this).add(this.name, spec, this);
  }

  // No visibility timeout: the provider cannot change one later, and the script cannot set one.
  private defineTrigger(): void {
    const { queue, container, path, reader, invoker } = this.props;
    const trigger = new FunctionTrigger(this, "Resource", {
      name: this.name,
      folderId: invoker.folderId,
      messageQueue: {
        queueId: queue.arn,
        serviceAccountId: reader.id,
        batchSize: Tokenization.stringifyNumber(this.props.batchSize),
        batchCutoff: Tokenization.stringifyNumber(this.props.batchCutoffSeconds),
      },
      container: { id: container.id, path, serviceAccountId: invoker.id },
    });
    reader.precedes(trigger);
    container.invokersPrecede(trigger);
  }
}

/** Rejects what the trigger service would reject, and what its documents disagree about. */
function checkQueueTrigger(props: QueueTriggerProps, refuse: Refuse): void {
  const { queue, batchSize, batchCutoffSeconds } = props;
  checkName(props.name, "trigger", refuse);
  checkTriggerPath(props.path, refuse);
  refuse(queue.fifo, {
    field: "queue",
    value: queue.node.path,
    allowed: "a standard queue",
    fix: "Leave out fifo: triggers do not read FIFO queues",
  });
  refuse(outside(batchSize, 1, 10), {
    field: "batchSize",
    value: batchSize,
    allowed: "1 to 10 messages",
    fix: "Leave it out for 1",
    source: LIMITS,
  });
  refuse(outside(batchCutoffSeconds, 1, 20), {
    field: "batchCutoffSeconds",
    value: batchCutoffSeconds,
    allowed: "1 to 20 seconds",
    fix: "Leave it out for 1",
    source: LIMITS,
  });
}
