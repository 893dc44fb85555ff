import { LoggingGroup as Resource } from "@cdktf/provider-yandex/lib/logging-group";
import { Construct } from "constructs";
import { checkName } from "./_name.ts";
import { outside, type Refuse, refuseAtSynth } from "./_refusal.ts";

const LIMITS = "https://yandex.cloud/en/docs/logging/concepts/limits, November 2026";

/**
 * Props of {@link LogGroup}.
 *
 * @see https://yandex.cloud/en/docs/logging/concepts/log-group
 */
export interface LogGroupProps {
  /**
   * Unique in the folder: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen
   * last.
   */
  readonly name: string;
  /**
   * Whole days that a record is kept, 1 to 3. More than 3 needs a raised quota (the cloud itself
   * allows from one hour up): ask support, then write `retentionPeriod` on `node.defaultChild`.
   *
   * @default 3
   * @see https://yandex.cloud/en/docs/logging/concepts/limits
   */
  readonly retentionDays?: number;
}

/** A log group that exists already. */
export interface ExistingLogGroup {
  readonly logGroupId: string;
  readonly name: string;
}

/**
 * Where containers and the gateway write their logs. One group for all makes one place to look.
 *
 * @example
 * new LogGroup(this, "Logs", { name: "shop-logs", retentionDays: 1 });
 */
export class LogGroup extends Construct {
  /** A group that is not managed here. */
  static fromId(scope: Construct, id: string, existing: ExistingLogGroup): LogGroup {
    return new LogGroup(scope, id, existing);
  }

  readonly id: string;
  readonly name: string;

  constructor(scope: Construct, id: string, props: LogGroupProps | ExistingLogGroup) {
    super(scope, id);
    this.name = props.name;
    this.id = "logGroupId" in props ? props.logGroupId : this.define(props);
  }

  private define(props: LogGroupProps): string {
    refuseAtSynth(this, (refuse) => checkLogGroup(props, refuse));
    const { name, retentionDays = 3 } = props;
    return new Resource(this, "Resource", { name, retentionPeriod: renderDays(retentionDays) }).id;
  }
}

/** What Yandex Cloud would reject about a log group. */
function checkLogGroup(props: LogGroupProps, refuse: Refuse): void {
  checkName(props.name, "log group", refuse);
  refuse(outside(props.retentionDays, 1, 3), {
    field: "retentionDays",
    value: props.retentionDays,
    allowed: "1 to 3 whole days",
    fix: "Keep records for at most 3 days, or set retentionPeriod on node.defaultChild once support has raised the quota",
    source: LIMITS,
  });
}

function renderDays(days: number): string {
  return `${days * 24}h0m0s`;
}
