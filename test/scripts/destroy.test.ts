import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CloudApi } from "../../scripts/lib/cloud/cloud-api.ts";
import type { Session } from "../../scripts/lib/cloud/session.ts";
import {
  confirmDestroy,
  destroySteps,
  leftovers,
  refuseProtected,
} from "../../scripts/lib/destroy.ts";
import { describeSteps } from "../../scripts/lib/shell/steps.ts";
import { Terraform } from "../../scripts/lib/terraform/terraform.ts";
import type { Settings } from "../../stacks/settings.ts";
import { settings } from "./_settings.ts";
import { ACCESS, type FakeSystem, fakeSystem } from "./_system.ts";

const DOMAIN = { fqdn: "shop.example.com", dns: "external" };

describe("destroySteps", () => {
  test("takes triggers away first and the registry last", () => {
    expect(
      describeSteps(
        destroySteps(settings({ stages: { production: { domain: DOMAIN } } }, "production")),
      ),
    ).toEqual([
      "1. Triggers: delete the triggers that `npm run trigger` created",
      "2. App: destroy stack app-production",
      "3. Domain: destroy stack domain-production",
      "4. Images and registry: destroy stack registry-production",
      "5. Data: destroy stack data-production",
      "6. Memory: forget the stage's image",
    ]);
  });
});

describe("the step of the domain", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "destroy-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test.each([
    [{ local: { path: "../../../.state/default/registry.tfstate" } }, "../../../.state/default/"],
    [{ s3: { key: "shop/default/registry.tfstate" } }, "shop/default/"],
  ])("deletes what is left of a domain that config.ts has no more: %j", async (backend, place) => {
    const terraform = { required_version: ">= 1.5", backend };
    mkdirSync(join(root, "cdktf.out/stacks/registry"), { recursive: true });
    writeFileSync(
      join(root, "cdktf.out/stacks/registry/cdk.tf.json"),
      JSON.stringify({ terraform, provider: { yandex: [{}] }, resource: { images: {} } }),
    );
    const left = [{ mode: "managed", type: "yandex_cm_certificate", name: "x", instances: [] }];
    const system = fakeSystem({
      root,
      commands: {
        [on("init -input=false -no-color")]: "",
        [on("state pull")]: JSON.stringify({
          resources: left.map((resource) => ({ ...resource, instances: [{ attributes: {} }] })),
        }),
        [on("destroy -input=false -no-color -auto-approve -lock-timeout=120s")]: "",
      },
    });
    const step = destroySteps(settings()).find(({ title }) => title === "Domain");

    expect(await step?.run(sessionOf(system, settings()), () => {})).toBe("destroyed");
    const stack = readFileSync(join(root, "cdktf.out/stacks/domain/cdk.tf.json"), "utf8");
    expect(JSON.parse(stack)).toMatchObject({ provider: { yandex: [{}] } });
    expect(JSON.parse(stack)).not.toHaveProperty("resource");
    expect(stack).toContain(`"${place}domain.tfstate"`);
  });

  const on = (args: string) => `terraform -chdir=cdktf.out/stacks/domain ${args}`;
});

describe("the step of the data", () => {
  const NETWORK = { networkId: "enp1", subnetIds: ["e9b1"] };

  test.each([
    ["a network that is in use yet", { postgres: {} }, "Network is not empty", "again later"],
    ["a bucket with files", { media: true }, "x: BucketNotEmpty: y", "A bucket with files in it"],
    [
      "a bucket with files, beside a network of the user's",
      { media: true, postgres: {}, network: NETWORK },
      "x: BucketNotEmpty: y",
      "A bucket with files in it",
    ],
  ])("says what to do about %s", async (_, fields, reason, hint) => {
    await expect(destroyData(fields, reason)).rejects.toThrow(hint);
  });

  test("adds nothing to what has another reason", async () => {
    const failed = destroyData({ postgres: {}, network: NETWORK }, "Forbidden");

    await expect(failed).rejects.toThrow(/Forbidden(?![\s\S]*npm run destroy)/);
  });
});

async function destroyData(fields: object, reason: string): Promise<unknown> {
  const on = (args: string) => `terraform -chdir=cdktf.out/stacks/data ${args}`;
  const instances = [{ attributes: {} }];
  const resources = [{ mode: "managed", type: "yandex_vpc_network", name: "x", instances }];
  const system = fakeSystem({
    commands: {
      [on("init -input=false -no-color")]: "",
      [on("state pull")]: JSON.stringify({ resources }),
      [on("destroy -input=false -no-color -auto-approve -lock-timeout=120s")]: {
        exitCode: 1,
        stderr: `Error: ${reason}`,
      },
    },
  });
  const wanted = settings({ ...fields, stages: {} });
  const step = destroySteps(wanted).find(({ title }) => title === "Data");
  return step?.run(sessionOf(system, wanted), () => {});
}

describe("confirmDestroy", () => {
  test("goes on when the name is typed", async () => {
    const system = fakeSystem({ interactive: true, answer: "shop-production\n" });

    await confirmDestroy(system, settings({}, "production"));
  });

  test("refuses anything else", async () => {
    const system = fakeSystem({ interactive: true, answer: "yes" });

    await expect(confirmDestroy(system, settings())).rejects.toThrow("Nothing was deleted.");
  });

  test("refuses without a terminal", async () => {
    await expect(confirmDestroy(fakeSystem(), settings())).rejects.toThrow(
      "No terminal to ask for confirmation. Add --yes to destroy without asking.",
    );
  });
});

describe("refuseProtected", () => {
  test.each([
    [
      true,
      "The database shop-results is protected from deletion. Set 'database.deletionProtection' to false for this stage in config.ts, deploy, then destroy again. Nothing was deleted.",
    ],
    [
      false,
      "The database shop-results is protected from deletion. Deploy once more (config.ts does not protect it any longer), then destroy again. Nothing was deleted.",
    ],
  ])(
    "refuses a database that is protected in the cloud, with %s in config.ts",
    async (deletionProtection, message) => {
      await expect(check({ deletionProtection }, true)).rejects.toThrow(message);
    },
  );

  test("refuses a cluster that is protected, also beside the database of results", async () => {
    const results = { name: "shop-results", deletion_protection: true };
    const cluster = { name: "shop-postgres", deletion_protection: true };

    await expect(check({}, results.deletion_protection, { cluster, postgres: {} })).rejects.toThrow(
      "The database shop-results is protected from deletion. Deploy once more (config.ts does not protect it any longer), then destroy again. The database shop-postgres is protected from deletion. Deploy once more (config.ts does not protect it any longer), then destroy again. Nothing was deleted.",
    );
    await expect(
      check({}, false, { cluster, postgres: { deletionProtection: true } }),
    ).rejects.toThrow(
      "The database shop-postgres is protected from deletion. Set 'postgres.deletionProtection' to false for this stage in config.ts, deploy, then destroy again. Nothing was deleted.",
    );
  });

  test("goes by the state, not by config.ts", async () => {
    await check({ deletionProtection: true }, false);
  });
});

describe("leftovers", () => {
  test("names what the project did not make", () => {
    const config = {
      backend: { type: "s3", bucket: "states" },
      domain: { fqdn: "shop.example.com", dns: { zoneId: "dns1", zone: "example.com" } },
      staticBucket: "assets",
      secrets: { SENTRY_DSN: { secretId: "e6q", key: "dsn" } },
    };

    expect(leftovers(settings({ ...config, stages: {} }))).toEqual([
      "Left as they are:",
      "  the state's bucket states",
      "  the DNS zone example.com",
      "  the bucket assets",
      "  your own secrets in Lockbox",
    ]);
    expect(leftovers(settings({ domain: DOMAIN, stages: {} }))).toEqual([
      "Left as they are:",
      "  the DNS records that you created for shop.example.com",
    ]);
    expect(leftovers(settings())).toEqual(["Nothing is left."]);
  });
});

async function check(
  database: object,
  deletion_protection: boolean,
  { cluster, ...more }: { readonly cluster?: object; readonly postgres?: object } = {},
) {
  const resource = { mode: "managed", type: "yandex_ydb_database_serverless", name: "x" };
  const state = {
    resources: [
      { ...resource, instances: [{ attributes: { name: "shop-results", deletion_protection } }] },
    ],
  };
  const system = fakeSystem({
    commands: {
      [`${process.execPath} run.mjs main.ts`]: "",
      "terraform -chdir=cdktf.out/stacks/app init -input=false -no-color": "",
      "terraform -chdir=cdktf.out/stacks/app state pull": JSON.stringify(state),
      "terraform -chdir=cdktf.out/stacks/data init -input=false -no-color": "",
      "terraform -chdir=cdktf.out/stacks/data state pull": JSON.stringify({
        resources: [{ ...resource, instances: [{ attributes: cluster ?? {} }] }],
      }),
    },
  });
  await refuseProtected(sessionOf(system, settings({ database, ...more })));
}

function sessionOf(system: FakeSystem, settings: Settings): Session {
  return {
    system,
    settings,
    access: ACCESS,
    api: new CloudApi(system, ACCESS),
    folderId: "b1g",
    terraform: new Terraform(system, { stage: settings.stage, env: {} }),
  };
}
