import { LoggingGroup } from "@cdktf/provider-yandex/lib/logging-group";
import type { TerraformStack } from "cdktf";
import { describe, expect, test } from "vitest";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { addresses, grants, raw, refusals, resources, synthPlain } from "../support/synth.ts";

const ID = "${yandex_iam_service_account.Account.id}";
const FOLDER = "${yandex_iam_service_account.Account.folder_id}";

describe("ServiceAccount", () => {
  test("creates an account without roles", () => {
    const stack = synthPlain(defineAccount);

    expect(resources(stack, "yandex_iam_service_account")).toEqual([{ name: "shop-web" }]);
    expect(grants(stack)).toEqual([]);
  });

  test("passes every option through", () => {
    const stack = synthPlain((scope) => {
      new ServiceAccount(scope, "Account", { name: "shop-web", description: "The site" });
    });

    expect(resources(stack, "yandex_iam_service_account")).toEqual([
      { name: "shop-web", description: "The site" },
    ]);
  });

  test("is known by id, folder and member", () => {
    let account: ServiceAccount | undefined;
    const stack = synthPlain((scope) => {
      account = defineAccount(scope);
      new LoggingGroup(scope, "Probe", {
        name: account.id,
        folderId: account.folderId,
        description: account.member,
      });
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { name: ID, folder_id: FOLDER, description: `serviceAccount:${ID}` },
    ]);
  });

  test.each<[string, object, string]>([
    [
      "a name with capitals",
      { name: "Web" },
      "[app/Account] 'name' is \"Web\", allowed: 1 to 63 lower-case letters, digits and hyphens, a letter first, no hyphen last. Rename the account.",
    ],
    [
      "a name of 64 characters",
      { name: "a".repeat(64) },
      `[app/Account] 'name' is "${"a".repeat(64)}", allowed: 1 to 63 lower-case letters, digits and hyphens, a letter first, no hyphen last. Rename the account.`,
    ],
    [
      "a description of 257 characters",
      { description: "d".repeat(257) },
      `[app/Account] 'description' is "${"d".repeat(257)}", allowed: at most 256 characters. Shorten the description.`,
    ],
  ])("refuses %s", (_, props, message) => {
    const messages = refusals((scope) => {
      new ServiceAccount(scope, "Account", { name: "shop-web", ...props });
    });

    expect(messages).toEqual([message]);
  });

  test("accepts the longest name and description", () => {
    const messages = refusals((scope) => {
      new ServiceAccount(scope, "Account", {
        name: "a".repeat(63),
        description: "d".repeat(256),
      });
    });

    expect(messages).toEqual([]);
  });

  test("grants a role in the account's own folder once, as a member, and waits after it", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      account.grantOnFolder("ymq.writer");
      account.grantOnFolder("ymq.writer");
      account.grantOnFolder("ymq.reader");
    });

    const member = { folder_id: FOLDER, member: `serviceAccount:${ID}`, sleep_after: 20 };
    expect(grants(stack)).toEqual([
      { ...member, role: "ymq.reader" },
      { ...member, role: "ymq.writer" },
    ]);
  });

  // Terraform starts ten resources at a time, and the provider allows each grant five minutes that
  // include its wait for the nine before it.
  test("waits so briefly that ten grants at once stay within the provider's five minutes", () => {
    const stack = synthPlain((scope) => defineAccount(scope).grantOnFolder("ymq.writer"));

    const [grant] = grants(stack);
    expect(Number(grant?.sleep_after) * 10).toBeLessThanOrEqual(200);
  });

  test("precedes a resource by the grants made before and after the call", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      account.grantOnFolder("ymq.reader");
      account.precedes(new LoggingGroup(scope, "Group", {}));
      account.grantOnFolder("ymq.writer");
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { depends_on: addresses(stack, "yandex_resourcemanager_folder_iam_member") },
    ]);
    expect(grants(stack)).toHaveLength(2);
  });

  test("precedes nothing that did not ask for it, and keeps other dependencies", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      const first = new LoggingGroup(scope, "First", {});
      const second = new LoggingGroup(scope, "Second", { dependsOn: [first] });
      account.precedes(second);
      account.addGrant(new LoggingGroup(scope, "Grant", {}));
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      {},
      {},
      { depends_on: ["yandex_logging_group.First", "yandex_logging_group.Grant"] },
    ]);
  });

  test("takes an account that exists and manages its roles only", () => {
    const stack = synthPlain((scope) => {
      const account = ServiceAccount.fromId(scope, "Account", {
        accountId: "aje1",
        folderId: "b1g1",
      });
      account.grantOnFolder("ymq.writer");
    });

    expect(resources(stack, "yandex_iam_service_account")).toEqual([]);
    expect(grants(stack)).toEqual([
      { folder_id: "b1g1", member: "serviceAccount:aje1", role: "ymq.writer", sleep_after: 20 },
    ]);
  });

  test("is reachable as defaultChild", () => {
    const stack = synthPlain((scope) => {
      raw(defineAccount(scope)).addOverride("labels", { team: "shop" });
    });

    expect(resources(stack, "yandex_iam_service_account")).toEqual([
      { name: "shop-web", labels: { team: "shop" } },
    ]);
  });
});

function defineAccount(scope: TerraformStack): ServiceAccount {
  return new ServiceAccount(scope, "Account", { name: "shop-web" });
}
