import { describe, expect, test } from "vitest";
import { CloudApi } from "../../scripts/lib/cloud-api.ts";
import {
  confirmDestroy,
  destroySteps,
  leftovers,
  refuseProtected,
} from "../../scripts/lib/destroy.ts";
import { describeSteps } from "../../scripts/lib/steps.ts";
import { Terraform } from "../../scripts/lib/terraform.ts";
import { settings } from "./_settings.ts";
import { ACCESS, fakeWorld } from "./_world.ts";

const DOMAIN = { fqdn: "shop.example.com", dns: "external" };

describe("destroySteps", () => {
  test("takes triggers away first and the registry last", () => {
    expect(describeSteps(destroySteps(settings({ domain: DOMAIN }, "production")))).toEqual([
      "1. Triggers: delete the triggers that `npm run trigger` made",
      "2. App: destroy stack app-production",
      "3. Domain: destroy stack domain-production",
      "4. Images and registry: destroy stack registry-production",
      "5. Memory: forget the stage's image",
    ]);
  });
});

describe("confirmDestroy", () => {
  test("goes on when the name is typed", async () => {
    const world = fakeWorld({ interactive: true, answer: "shop-production\n" });

    await confirmDestroy(world, settings({}, "production"));
  });

  test("refuses anything else", async () => {
    const world = fakeWorld({ interactive: true, answer: "yes" });

    await expect(confirmDestroy(world, settings())).rejects.toThrow("Nothing was deleted.");
  });

  test("refuses without a terminal", async () => {
    await expect(confirmDestroy(fakeWorld(), settings())).rejects.toThrow(
      "There is no terminal to ask at. Give --yes to destroy without asking.",
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

    expect(leftovers(settings(config))).toEqual([
      "Left as they are:",
      "  the state's bucket states",
      "  the DNS zone example.com",
      "  the bucket assets",
      "  your own secrets in Lockbox",
    ]);
    expect(leftovers(settings({ domain: DOMAIN }))).toEqual([
      "Left as they are:",
      "  the DNS records that you made for shop.example.com",
    ]);
    expect(leftovers(settings())).toEqual(["Nothing is left."]);
  });
});

async function check(database: object, deletion_protection: boolean) {
  const resource = { mode: "managed", type: "yandex_ydb_database_serverless" };
  const state = {
    resources: [{ ...resource, instances: [{ attributes: { deletion_protection } }] }],
  };
  const world = fakeWorld({
    commands: {
      [`${process.execPath} run.mjs main.ts`]: "",
      "terraform -chdir=cdktf.out/stacks/app init -input=false -no-color": "",
      "terraform -chdir=cdktf.out/stacks/app state pull": JSON.stringify(state),
    },
  });
  await refuseProtected({
    world,
    settings: settings({ database }),
    access: ACCESS,
    api: new CloudApi(world, ACCESS),
    folderId: "b1g",
    terraform: new Terraform(world, { stage: undefined, env: {} }),
  });
}
