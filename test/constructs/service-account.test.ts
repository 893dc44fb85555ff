import { LoggingGroup } from "@cdktf/provider-yandex/lib/logging-group";
import { Op, type TerraformStack } from "cdktf";
import { describe, expect, test } from "vitest";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { addresses, grants, raw, refusals, resources, synthPlain } from "../support/synth.ts";

const ID = "${yandex_iam_service_account.Account.id}";
const MEMBER = "yandex_resourcemanager_folder_iam_member";
// Nor is one in the state of an older stack a reason to grant the right again.
const NO_WAIT = { lifecycle: { ignore_changes: ["sleep_after"] } };
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
      "[app/Account] 'name' is \"Web\", allowed: 1 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the account.",
    ],
    [
      "a name of 64 characters",
      { name: "a".repeat(64) },
      `[app/Account] 'name' is "${"a".repeat(64)}", allowed: 1 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the account.`,
    ],
    [
      "a description of 257 characters",
      { description: "d".repeat(257) },
      `[app/Account] 'description' is "${"d".repeat(257)}", allowed: at most 256 characters. Shorten the description.`,
    ],
  ])("rejects %s", (_, props, message) => {
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

  test("grants a role in the account's own folder once, as a member without a wait of its own", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      account.grantOnFolder("ymq.writer");
      account.grantOnFolder("ymq.writer");
      account.grantOnFolder("ymq.reader");
    });

    const member = { folder_id: FOLDER, member: `serviceAccount:${ID}`, ...NO_WAIT };
    expect(grants(stack)).toEqual([
      { ...member, role: "ymq.reader" },
      { ...member, role: "ymq.writer" },
    ]);
  });

  test("waits once for all grants of the stack, and again when there is another one", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      account.grantOnFolder("ymq.writer");
      new ServiceAccount(scope, "Other", { name: "other" }).grantOnFolder("ymq.reader");
    });

    expect(resources(stack, "terraform_data")).toEqual([
      {
        depends_on: [`${MEMBER}.Account_Folderymqwriter`, `${MEMBER}.Other_Folderymqreader`],
        triggers_replace: [
          [FOLDER, "ymq.writer", `serviceAccount:${ID}`],
          [
            FOLDER.replace("Account", "Other"),
            "ymq.reader",
            `serviceAccount:${ID.replace("Account", "Other")}`,
          ],
        ],
        provisioner: [{ "local-exec": { command: "sleep 20", interpreter: ["sh", "-c"] } }],
      },
    ]);
  });

  test("waits for the same rights whatever order the program gives them in", () => {
    const waited = (roles: readonly string[]) => {
      const stack = synthPlain((scope) => {
        const account = defineAccount(scope);
        for (const role of roles) account.grantOnFolder(role);
      });
      return resources(stack, "terraform_data").map((wait) => wait.triggers_replace);
    };

    expect(waited(["ymq.writer", "ymq.reader"])).toEqual(waited(["ymq.reader", "ymq.writer"]));
  });

  test("waits for nothing where nothing is granted", () => {
    const stack = synthPlain((scope) => {
      defineAccount(scope).precedes(new LoggingGroup(scope, "Group", {}));
    });

    expect(resources(stack, "terraform_data")).toEqual([]);
    expect(resources(stack, "yandex_logging_group")).toEqual([{}]);
  });

  test("grants a role that is needed at times only under its condition", () => {
    const stack = synthPlain((scope) => {
      defineAccount(scope).grantOnFolder("ymq.writer", Op.eq("a", "b"));
    });

    expect(grants(stack)).toMatchObject([{ count: '${("a" == "b") ? 1 : 0}' }]);
  });

  test("precedes a resource by the grants made before and after the call", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      account.precedes(new LoggingGroup(scope, "Before", {}));
      account.grantOnFolder("ymq.reader");
      account.precedes(new LoggingGroup(scope, "After", {}));
      account.grantOnFolder("ymq.writer");
    });

    const after = { depends_on: ["terraform_data.Rights"] };
    expect(resources(stack, "yandex_logging_group")).toEqual([after, after]);
    expect(resources(stack, "terraform_data")).toMatchObject([
      { depends_on: addresses(stack, MEMBER) },
    ]);
  });

  test("precedes nothing that did not ask for it, and keeps other dependencies", () => {
    const stack = synthPlain((scope) => {
      const account = defineAccount(scope);
      const first = new LoggingGroup(scope, "First", {});
      const second = new LoggingGroup(scope, "Second", { dependsOn: [first] });
      account.precedes(second);
      account.addGrant(new LoggingGroup(scope, "Grant", {}), () => "everything");
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      {},
      {},
      { depends_on: ["yandex_logging_group.First", "terraform_data.Rights"] },
    ]);
    expect(resources(stack, "terraform_data")).toMatchObject([
      { depends_on: ["yandex_logging_group.Grant"], triggers_replace: ["everything"] },
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
      { folder_id: "b1g1", member: "serviceAccount:aje1", role: "ymq.writer", ...NO_WAIT },
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
