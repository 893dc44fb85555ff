import { TerraformOutput, TerraformVariable } from "cdktf";
import { describe, expect, test } from "vitest";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { YdbDatabase, type YdbDatabaseProps } from "../../constructs/ydb-database.ts";
import { grants, refusals, resources, synthPlain } from "../support/synth.ts";

describe("YdbDatabase", () => {
  test("creates a small database without a limit on requests", () => {
    const stack = synthPlain(
      (scope) => new YdbDatabase(scope, "Results", { name: "shop-results" }),
    );

    expect(resources(stack, "yandex_ydb_database_serverless")).toEqual([
      {
        name: "shop-results",
        deletion_protection: false,
        serverless_database: [{ storage_size_limit: 1 }],
      },
    ]);
  });

  test("passes every option through, the limit with its switch", () => {
    const stack = synthPlain(
      (scope) =>
        new YdbDatabase(scope, "Results", {
          name: "shop-results",
          description: "Results of tasks",
          storageLimitGb: 50,
          throughputLimit: 100,
          deletionProtection: true,
        }),
    );

    expect(resources(stack, "yandex_ydb_database_serverless")).toEqual([
      {
        name: "shop-results",
        description: "Results of tasks",
        deletion_protection: true,
        serverless_database: [
          { storage_size_limit: 50, enable_throttling_rcu_limit: true, throttling_rcu_limit: 100 },
        ],
      },
    ]);
  });

  test("is known by id and Document API endpoint", () => {
    const stack = synthPlain((scope) => {
      const { id, documentApiEndpoint } = new YdbDatabase(scope, "Results", {
        name: "shop-results",
      });
      new TerraformOutput(scope, "known", { value: { id, documentApiEndpoint } });
    });

    expect(stack.output?.known?.value).toEqual({
      id: "${yandex_ydb_database_serverless.Results.id}",
      documentApiEndpoint: "${yandex_ydb_database_serverless.Results.document_api_endpoint}",
    });
  });

  test.each([
    [undefined, "ydb.editor"],
    ["editor", "editor"],
  ])("grants editing by role %s on the database", (role, granted) => {
    const stack = synthPlain((scope) => {
      const account = ServiceAccount.fromId(scope, "App", { accountId: "aje1", folderId: "b1g1" });
      new YdbDatabase(scope, "Results", { name: "shop-results" }).grantEdit(account, role);
    });

    expect(grants(stack)).toEqual([]);
    expect(resources(stack, "yandex_ydb_database_iam_binding")).toMatchObject([
      {
        database_id: "${yandex_ydb_database_serverless.Results.id}",
        role: granted,
        members: ["serviceAccount:aje1"],
      },
    ]);
    expect(resources(stack, "terraform_data")).toHaveLength(1);
  });

  test("is reachable as defaultChild", () => {
    synthPlain((scope) => {
      const database = new YdbDatabase(scope, "Results", { name: "shop-results" });

      expect(database.node.defaultChild).toBe(database.resource);
    });
  });

  test.each<[Partial<YdbDatabaseProps>, string]>([
    [
      { name: "My_DB" },
      "'name' is \"My_DB\", allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the database.",
    ],
    [
      { storageLimitGb: 0 },
      "'storageLimitGb' is 0, allowed: 1 or more whole GB. Leave it out for 1: 0 would mean the cloud's own default of 50.",
    ],
    [
      { storageLimitGb: 1.5 },
      "'storageLimitGb' is 1.5, allowed: 1 or more whole GB. Leave it out for 1: 0 would mean the cloud's own default of 50.",
    ],
    [
      { throughputLimit: 0 },
      "'throughputLimit' is 0, allowed: 1 or more request units a second. Leave it out for no limit of its own: a limit of zero blocks every request.",
    ],
  ])("refuses %j", (props, message) => {
    expect(
      refusals((scope) => new YdbDatabase(scope, "Results", { name: "shop-results", ...props })),
    ).toEqual([`[app/Results] ${message}`]);
  });

  test("skips what is not known at synth", () => {
    expect(
      refusals((scope) => {
        const variable = new TerraformVariable(scope, "value", {});
        new YdbDatabase(scope, "Results", {
          name: variable.stringValue,
          storageLimitGb: variable.numberValue,
          throughputLimit: variable.numberValue,
        });
      }),
    ).toEqual([]);
  });
});
