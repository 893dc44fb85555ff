import { YdbDatabaseIamBinding } from "@cdktf/provider-yandex/lib/ydb-database-iam-binding";
import { YdbDatabaseServerless as Resource } from "@cdktf/provider-yandex/lib/ydb-database-serverless";
import { Construct } from "constructs";
import { GRANT_LIFECYCLE, RoleMembers } from "./_grants.ts";
import { checkName } from "./_name.ts";
import { outside, type Refuse, refuseAtSynth } from "./_refusal.ts";
import type { ServiceAccount } from "./service-account.ts";

/**
 * Props of {@link YdbDatabase}.
 *
 * @see https://yandex.cloud/en/docs/ydb/operations/manage-databases
 */
export interface YdbDatabaseProps {
  /** Name in the folder: 3 to 63 lowercase letters, digits and hyphens. */
  readonly name: string;
  /** @default - none */
  readonly description?: string;
  /** GB that the database may hold, 1 or more. A month's first one is free. @default 1 */
  readonly storageLimitGb?: number;
  /**
   * Request units a second, 1 or more. What goes beyond is rejected.
   *
   * @default - the quota of the cloud
   */
  readonly throughputLimit?: number;
  /** Whether the database refuses to be deleted, contents and all. @default false */
  readonly deletionProtection?: boolean;
}

/**
 * A serverless database, paid by request and by GB, with an endpoint that speaks DynamoDB's protocol.
 *
 * Document tables are not created here: Terraform has no resource for them. There is no capacity
 * reserved either, as that is paid while nothing is stored.
 *
 * @example
 * const database = new YdbDatabase(this, "Results", { name: "shop-results" });
 * database.grantEdit(account);
 */
export class YdbDatabase extends Construct {
  readonly id: string;
  /** What DynamoDB clients connect to. */
  readonly documentApiEndpoint: string;
  readonly resource: Resource;

  constructor(scope: Construct, id: string, props: YdbDatabaseProps) {
    super(scope, id);
    refuseAtSynth(this, (refuse) => checkYdbDatabase(props, refuse));
    this.resource = new Resource(this, "Resource", {
      name: props.name,
      description: props.description,
      deletionProtection: props.deletionProtection ?? false,
      serverlessDatabase: [
        { storageSizeLimit: props.storageLimitGb ?? 1, ...renderThroughput(props.throughputLimit) },
      ],
    });
    this.id = this.resource.id;
    this.documentApiEndpoint = this.resource.documentApiEndpoint;
  }

  /** Lets an account read and write this database: `ydb.editor` on it, or another role. */
  grantEdit(account: ServiceAccount, role = "ydb.editor"): void {
    const editors = RoleMembers.of(this, `Members ${role}`, (scope, id, members) => {
      const lifecycle = GRANT_LIFECYCLE;
      return new YdbDatabaseIamBinding(scope, id, {
        databaseId: this.id,
        role,
        members,
        lifecycle,
      });
    });
    editors.add(account);
    account.addGrant(editors.binding, () => [this.id, role, ...editors.list()]);
  }
}

/** Rejects what the service would reject, and the limit that stops all traffic. */
function checkYdbDatabase(props: YdbDatabaseProps, refuse: Refuse): void {
  const { name, storageLimitGb, throughputLimit } = props;
  checkName(name, "database", refuse);
  refuse(outside(storageLimitGb, 1, Number.POSITIVE_INFINITY), {
    field: "storageLimitGb",
    value: storageLimitGb,
    allowed: "1 or more whole GB",
    fix: "Leave it out for 1: 0 would mean the cloud's own default of 50",
  });
  refuse(outside(throughputLimit, 1, Number.POSITIVE_INFINITY), {
    field: "throughputLimit",
    value: throughputLimit,
    allowed: "1 or more request units a second",
    fix: "Leave it out for no limit of its own: a limit of zero blocks every request",
  });
}

// The switch without a number, or with zero, blocks every request: the two go together or not at all.
function renderThroughput(limit: number | undefined) {
  return limit === undefined ? {} : { enableThrottlingRcuLimit: true, throttlingRcuLimit: limit };
}
