import { FunctionTrigger } from "@cdktf/provider-yandex/lib/function-trigger";
import { Construct } from "constructs";
import { cronProblem } from "./_cron.ts";
import { literal } from "./_literal.ts";
import { checkName, type NamedProps } from "./_name.ts";
import { checkQuota } from "./_quotas.ts";
import { isKnown, type Refuse, refuseAtSynth } from "./_refusal.ts";
import { checkTriggerPath } from "./_trigger.ts";
import { TriggerOutput } from "./_trigger-output.ts";
import type { ServerlessContainer } from "./serverless-container.ts";
import type { ServiceAccount } from "./service-account.ts";
import type { TriggerMaker } from "./trigger-spec.ts";

const MAX_PAYLOAD_CHARACTERS = 4096;

/**
 * Props of {@link TimerTrigger}.
 *
 * @see https://yandex.cloud/en/docs/serverless-containers/concepts/trigger/timer
 */
export interface TimerTriggerProps extends NamedProps {
  /**
   * Minutes, hours, day of month, month, day of week and an optional year, in UTC. One of the two
   * days is `?`, and the week counts from 1, which is Sunday: `0 9 ? * MON-FRI *`.
   */
  readonly cron: string;
  /** Text that the container gets, up to 4096 characters. @default - none */
  readonly payload?: string;
  /** What is called, by a POST. */
  readonly container: ServerlessContainer;
  /** Path of the request. @default "/" */
  readonly path?: string;
  /** Account that calls the container. */
  readonly invoker: ServiceAccount;
  /** What creates the trigger: `npm run trigger`, or Terraform. Both create the same. @default "yc" */
  readonly trigger?: TriggerMaker;
}

/**
 * Calls a container on a schedule, at best once a minute.
 *
 * With `trigger: "yc"` only an entry in output `triggers` is defined, and `npm run trigger`
 * creates the timer from it.
 *
 * @example
 * new TimerTrigger(this, "Nightly", { name: "shop-nightly", cron: "0 3 * * ? *", container, invoker });
 */
export class TimerTrigger extends Construct {
  readonly name: string;

  private readonly props: TimerTriggerProps;
  private readonly path: string;
  private readonly trigger: TriggerMaker;

  constructor(scope: Construct, id: string, props: TimerTriggerProps) {
    super(scope, id);
    this.name = props.name;
    this.props = props;
    this.path = props.path ?? "/";
    this.trigger = props.trigger ?? "yc";
    refuseAtSynth(this, (refuse) => {
      checkTimerTrigger(props, refuse);
      checkQuota("triggers", TriggerOutput.of(this).triggers, this, refuse);
    });
    props.container.grantInvoke(props.invoker);
    this.describe();
    if (this.trigger === "terraform") this.defineTrigger();
  }

  private describe(): void {
    const { cron, payload = "", container, invoker } = this.props;
    const spec = {
      kind: "timer",
      cron,
      payload: literal(payload),
      containerId: container.id,
      path: this.path,
      invokerId: invoker.id,
      folderId: invoker.folderId,
      trigger: this.trigger,
    } as const;
    TriggerOutput.of(this).add(this.name, spec, this);
  }

  private defineTrigger(): void {
    const { cron, payload, container, invoker } = this.props;
    const trigger = new FunctionTrigger(this, "Resource", {
      name: this.name,
      folderId: invoker.folderId,
      timer: { cronExpression: cron, payload: payload && literal(payload) },
      container: { id: container.id, path: this.path, serviceAccountId: invoker.id },
    });
    container.invokersPrecede(trigger);
  }
}

/** Rejects what the trigger service would reject. */
function checkTimerTrigger(props: TimerTriggerProps, refuse: Refuse): void {
  checkName(props.name, "trigger", refuse);
  checkTimer(props, refuse);
  checkTriggerPath(props.path, refuse);
}

/** Rejects a schedule or a payload that the trigger service does not take. */
export function checkTimer(
  { cron, payload }: Pick<TimerTriggerProps, "cron" | "payload">,
  refuse: Refuse,
): void {
  const problem = isKnown(cron) ? cronProblem(cron) : undefined;
  const length = isKnown(payload) ? [...payload].length : 0;
  refuse(problem !== undefined, {
    field: "cron",
    value: cron,
    allowed: "minutes hours day-of-month month day-of-week [year], in UTC",
    fix: problem ?? "",
  });
  refuse(length > MAX_PAYLOAD_CHARACTERS, {
    field: "payload",
    value: `${payload?.slice(0, 20)}…`,
    allowed: `up to ${MAX_PAYLOAD_CHARACTERS} characters, and it has ${length}`,
    fix: "Put what is longer in the database or a bucket, and pass its address",
  });
}
