import { LoggingGroup } from "@cdktf/provider-yandex/lib/logging-group";
import type { TerraformStack } from "cdktf";
import { describe, expect, test } from "vitest";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { StaticKey, type StaticKeyProps } from "../../constructs/static-key.ts";
import { addresses, raw, resources, synthPlain } from "../support/synth.ts";

const KEY = "yandex_iam_service_account_static_access_key";

describe("StaticKey", () => {
  test("creates a key of the account, the new one before the old one goes", () => {
    const stack = synthPlain(defineKey);

    expect(resources(stack, KEY)).toEqual([
      {
        service_account_id: "${yandex_iam_service_account.Account.id}",
        lifecycle: { create_before_destroy: true },
      },
    ]);
  });

  test("passes every option through", () => {
    const stack = synthPlain((scope) => defineKey(scope, { description: "makes queues" }));

    expect(resources(stack, KEY)).toEqual([
      {
        service_account_id: "${yandex_iam_service_account.Account.id}",
        description: "makes queues",
        lifecycle: { create_before_destroy: true },
      },
    ]);
  });

  test("gives both halves as references", () => {
    const stack = synthPlain((scope) => {
      const { accessKey, secretKey } = defineKey(scope);
      new LoggingGroup(scope, "Probe", { name: accessKey, description: secretKey });
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { name: `\${${KEY}.Key.access_key}`, description: `\${${KEY}.Key.secret_key}` },
    ]);
  });

  test("precedes what uses it by the grants of its account", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      const key = new StaticKey(scope, "Key", { account });
      key.precedes(new LoggingGroup(scope, "User", {}));
      account.grantOnFolder("ymq.admin");
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { depends_on: addresses(stack, "terraform_data") },
    ]);
  });

  test("is reachable as defaultChild", () => {
    const stack = synthPlain((scope) => raw(defineKey(scope)).addOverride("pgp_key", "keybase:me"));

    expect(resources(stack, KEY)).toEqual([
      {
        service_account_id: "${yandex_iam_service_account.Account.id}",
        pgp_key: "keybase:me",
        lifecycle: { create_before_destroy: true },
      },
    ]);
  });
});

function defineAccount(scope: TerraformStack): ServiceAccount {
  return new ServiceAccount(scope, "Account", { name: "shop-queues" });
}

function defineKey(scope: TerraformStack, props?: Partial<StaticKeyProps>): StaticKey {
  return new StaticKey(scope, "Key", { account: defineAccount(scope), ...props });
}
