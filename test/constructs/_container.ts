import type { TerraformStack } from "cdktf";
import { Secret } from "../../constructs/secret.ts";
import { ServerlessContainer } from "../../constructs/serverless-container.ts";
import type { ServerlessContainerProps } from "../../constructs/serverless-container-props.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";

export const IMAGE = `cr.yandex/crp1/site@sha256:${"0".repeat(64)}`;

/** Defines a container with an account of its own. */
export function define(
  scope: TerraformStack,
  props: Partial<ServerlessContainerProps> = {},
  id = "Web",
): ServerlessContainer {
  const account = props.account ?? defineAccount(scope);
  return new ServerlessContainer(scope, id, { name: "shop-web", image: IMAGE, ...props, account });
}

export function defineAccount(scope: TerraformStack): ServiceAccount {
  const existing = { accountId: "aje1", folderId: "b1g1" };
  const found = scope.node.tryFindChild("Account") as ServiceAccount | undefined;
  return found ?? ServiceAccount.fromId(scope, "Account", existing);
}

export function sentry(scope: TerraformStack, id: string) {
  return Secret.fromLockbox(scope, id, { secretId: "e6q1", versionId: "e6q2" }).value("dsn");
}
