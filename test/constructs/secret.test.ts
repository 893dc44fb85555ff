import { LoggingGroup } from "@cdktf/provider-yandex/lib/logging-group";
import type { TerraformStack } from "cdktf";
import { describe, expect, test } from "vitest";
import { type GeneratedSecretProps, Secret } from "../../constructs/secret.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { addresses, dataSources, raw, refusals, resources, synthPlain } from "../support/synth.ts";

const VERSION = "yandex_lockbox_secret_version";
const KEY = "yandex_iam_service_account_static_access_key";
const READER = "yandex_lockbox_secret_iam_member";

describe("Secret", () => {
  test("creates a value of 50 letters and digits that only Lockbox knows", () => {
    const stack = synthPlain(generate);

    expect(resources(stack, "yandex_lockbox_secret")).toEqual([
      {
        name: "shop-django",
        password_payload_specification: {
          password_key: "key",
          length: 50,
          include_punctuation: false,
        },
      },
    ]);
    expect(resources(stack, VERSION)).toEqual([
      {
        secret_id: "${yandex_lockbox_secret.Secret.id}",
        lifecycle: { create_before_destroy: true },
      },
    ]);
    expect(resources(stack, READER)).toEqual([]);
  });

  test("passes every option through", () => {
    const stack = synthPlain((scope) => generate(scope, { name: "a", key: "b", length: 8 }));

    expect(resources(stack, "yandex_lockbox_secret")).toEqual([
      {
        name: "a",
        password_payload_specification: {
          password_key: "b",
          length: 8,
          include_punctuation: false,
        },
      },
    ]);
  });

  test("puts a static key into Lockbox, both halves, and keeps the secret for as long as the key", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      Secret.staticKey(scope, "Secret", { name: "shop-key", account });
    });

    expect(resources(stack, "yandex_lockbox_secret")).toEqual([{ name: "shop-key" }]);
    expect(resources(stack, KEY)).toEqual([
      {
        service_account_id: "aje1",
        output_to_lockbox: {
          secret_id: "${yandex_lockbox_secret.Secret.id}",
          entry_for_access_key: "access_key",
          entry_for_secret_key: "secret_key",
        },
        lifecycle: { create_before_destroy: true },
      },
    ]);
    expect(resources(stack, VERSION)).toEqual([]);
  });

  test.each<[string, (scope: TerraformStack) => Secret, string]>([
    ["a generated secret", generate, `\${${VERSION}.Secret_Version.id}`],
    [
      "a static key",
      (scope) => Secret.staticKey(scope, "Secret", { name: "k", account: defineAccount(scope) }),
      `\${${KEY}.Secret_Key.output_to_lockbox_version_id}`,
    ],
  ])("names an entry of %s by what made the version", (_, define, version) => {
    const stack = synthPlain((scope) => {
      const { secretId, versionId, key } = define(scope).value("entry");
      new LoggingGroup(scope, "Probe", { name: secretId, description: versionId, id: key });
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { name: "${yandex_lockbox_secret.Secret.id}", description: version, id: "entry" },
    ]);
  });

  test("takes a secret that exists at its current version", () => {
    const stack = synthPlain((scope) => {
      const secret = Secret.fromLockbox(scope, "Secret", { secretId: "e6q1" });
      new LoggingGroup(scope, "Probe", { name: secret.secretId, description: secret.versionId });
    });

    expect(dataSources(stack, "yandex_lockbox_secret")).toEqual([{ secret_id: "e6q1" }]);
    expect(resources(stack, "yandex_logging_group")).toEqual([
      {
        name: "e6q1",
        description: "${data.yandex_lockbox_secret.Secret.current_version[0].id}",
      },
    ]);
  });

  test("takes a secret that exists at a version", () => {
    let secret: Secret | undefined;
    const stack = synthPlain((scope) => {
      secret = Secret.fromLockbox(scope, "Secret", { secretId: "e6q1", versionId: "e6q2" });
    });

    expect(stack.data).toBeUndefined();
    expect([secret?.secretId, secret?.versionId]).toEqual(["e6q1", "e6q2"]);
  });

  test.each<[string, Partial<GeneratedSecretProps>, string]>([
    [
      "no name",
      { name: "" },
      "[app/Secret] 'name' is \"\", allowed: 1 to 100 characters. Rename the secret.",
    ],
    [
      "a name of 101 characters",
      { name: "n".repeat(101) },
      `[app/Secret] 'name' is "${"n".repeat(101)}", allowed: 1 to 100 characters. Rename the secret.`,
    ],
    [
      "an entry with a space",
      { key: "my key" },
      "[app/Secret] 'key' is \"my key\", allowed: 1 to 256 letters, digits and any of -_./\\@. Rename the entry.",
    ],
    [
      "a value of seven characters",
      { length: 7 },
      "[app/Secret] 'length' is 7, allowed: 8 to 256 characters. Leave it out for 50.",
    ],
    [
      "a value of 257 characters",
      { length: 257 },
      "[app/Secret] 'length' is 257, allowed: 8 to 256 characters. Leave it out for 50.",
    ],
  ])("rejects %s", (_, props, message) => {
    expect(refusals((scope) => generate(scope, props))).toEqual([message]);
  });

  test("rejects a static key whose secret has too long a name", () => {
    const messages = refusals((scope) => {
      const account = defineAccount(scope);
      Secret.staticKey(scope, "Secret", { name: "n".repeat(101), account });
    });

    expect(messages).toEqual([
      `[app/Secret] 'name' is "${"n".repeat(101)}", allowed: 1 to 100 characters. Rename the secret.`,
    ]);
  });

  test("grants reading of this secret alone, once for each account", () => {
    const stack = synthPlain((scope) => {
      const secret = generate(scope);
      const account = defineAccount(scope);
      secret.grantRead(account);
      secret.value("key").grantRead(account);
      secret.grantRead(
        ServiceAccount.fromId(scope, "Other", { accountId: "aje2", folderId: "b1g1" }),
      );
    });

    const reader = {
      secret_id: "${yandex_lockbox_secret.Secret.id}",
      role: "lockbox.payloadViewer",
      lifecycle: { ignore_changes: ["sleep_after"] },
    };
    expect(resources(stack, READER)).toEqual([
      { ...reader, member: "serviceAccount:aje1" },
      { ...reader, member: "serviceAccount:aje2" },
    ]);
  });

  test("counts the right to read among the account's grants", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      account.precedes(new LoggingGroup(scope, "Follower", {}));
      generate(scope).grantRead(account);
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { depends_on: ["terraform_data.Rights"] },
    ]);
    expect(resources(stack, "terraform_data")).toMatchObject([
      { depends_on: addresses(stack, READER) },
    ]);
  });

  test("is reachable as defaultChild", () => {
    const stack = synthPlain((scope) =>
      raw(
        Secret.staticKey(scope, "Secret", { name: "k", account: defineAccount(scope) }),
      ).addOverride("kms_key_id", "abj1"),
    );

    expect(resources(stack, "yandex_lockbox_secret")).toEqual([{ name: "k", kms_key_id: "abj1" }]);
  });
});

function generate(scope: TerraformStack, props?: Partial<GeneratedSecretProps>): Secret {
  return Secret.generate(scope, "Secret", { name: "shop-django", key: "key", ...props });
}

function defineAccount(scope: TerraformStack): ServiceAccount {
  return ServiceAccount.fromId(scope, "Account", { accountId: "aje1", folderId: "b1g1" });
}
