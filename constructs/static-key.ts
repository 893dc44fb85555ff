import { IamServiceAccountStaticAccessKey as Resource } from "@cdktf/provider-yandex/lib/iam-service-account-static-access-key";
import type { TerraformResource } from "cdktf";
import { Construct } from "constructs";
import type { ServiceAccount } from "./service-account.ts";

/**
 * Props of {@link StaticKey}.
 *
 * @see https://yandex.cloud/en/docs/iam/concepts/authorization/access-key
 */
export interface StaticKeyProps {
  /** The account that the key acts for. */
  readonly account: ServiceAccount;
  /**
   * What the key is for, shown in the console. Another text creates another key. @default - none
   */
  readonly description?: string;
}

/**
 * A static access key whose secret half is in the Terraform state, in clear text.
 *
 * It has to: queues are created through the SQS API, which takes nothing but such a key, and the
 * provider can hand a resource only what it has in state. So this class is for an account that does
 * nothing but create queues. What an application signs its requests with is `Secret.staticKey`, which
 * leaves nothing in state.
 *
 * To rotate the key, replace it: `TF_CLI_ARGS_apply='-replace=<address of the key>' npm run deploy`.
 * The new key is created and handed to the queues before the old one is deleted.
 *
 * @example
 * const account = new ServiceAccount(this, "QueueAccount", { name: "shop-queues" });
 * account.grantOnFolder("ymq.admin");
 * const key = new StaticKey(this, "QueueKey", { account });
 * new MessageQueue(this, "Tasks", { name: "shop-tasks", key });
 */
export class StaticKey extends Construct {
  readonly accessKey: string;
  /** A reference into the state, never a literal. */
  readonly secretKey: string;

  private readonly account: ServiceAccount;

  constructor(scope: Construct, id: string, props: StaticKeyProps) {
    super(scope, id);
    const resource = new Resource(this, "Resource", {
      serviceAccountId: props.account.id,
      description: props.description,
      lifecycle: { createBeforeDestroy: true },
    });
    this.account = props.account;
    this.accessKey = resource.accessKey;
    this.secretKey = resource.secretKey;
  }

  /** Makes a resource that uses the key wait for every grant of the key's account. */
  precedes(resource: TerraformResource): void {
    this.account.precedes(resource);
  }
}
