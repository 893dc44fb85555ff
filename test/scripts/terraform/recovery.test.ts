import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import { applyStack } from "../../../scripts/lib/terraform/apply-stack.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import { makeStageDirectory } from "../../../stacks/directories.ts";
import { stateIdOf } from "../../../stacks/ownership.ts";
import { settings } from "../_settings.ts";
import { ACCESS, type Commands, fakeSystem, type Routes } from "../_system.ts";

const SETTINGS = settings({ backend: { type: "s3", bucket: "states" } });
const OURS = { state: stateIdOf(SETTINGS) };
const STACK = "terraform -chdir=cdktf.out/stacks/app";
const APPLY = `${STACK} apply -input=false -no-color -auto-approve -lock-timeout=120s`;
const LOCK = `${STACK} taint -allow-missing -lock-timeout=120s terraform_data.none`;
const STATE = `${STACK} state pull`;
const OUTPUTS = `${STACK} output -json -no-color`;
const DONE = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.";
const ACCOUNTS =
  "GET https://iam.api.cloud.yandex.net/iam/v1/serviceAccounts?folderId=b1g&pageSize=1000";
const GATEWAYS =
  "GET https://serverless-apigateway.api.cloud.yandex.net/apigateways/v1/apigateways?folderId=b1g&pageSize=1000";
const RESOURCES = { yandex_iam_service_account: { a: { name: "shop-a" } } };
const GATEWAY = { yandex_api_gateway: { g: { name: "shop-g" } } };

describe("applyStack", () => {
  test("looks at nothing beside terraform in an ordinary run, and leaves no mark", async () => {
    const { system, run, mark } = prepare({ [APPLY]: DONE });

    expect(await run()).toBe("1 added, 0 changed, 0 destroyed");
    expect(system.ran).toEqual([APPLY]);
    expect(system.sent).toEqual([]);
    expect(existsSync(mark)).toBe(false);
  });

  test("takes over what is ours after a run that never ended", async () => {
    const { system, run, mark, imported } = prepare(
      { [APPLY]: DONE, [LOCK]: "", [STATE]: "" },
      { [ACCOUNTS]: { body: { serviceAccounts: [account("aje1", OURS)] } } },
    );
    writeFileSync(mark, "");

    expect(await run()).toBe(
      "took over service account shop-a (aje1); 1 added, 0 changed, 0 destroyed",
    );
    expect(system.ran).toEqual([LOCK, STATE, APPLY]);
    expect(imported()).toBeUndefined();
    expect(existsSync(mark)).toBe(false);
  });

  test.each([
    ["another state's", { state: "000000000000" }, "created with another state"],
    ["nobody's", {}, "without the labels of a deploy"],
  ])(
    "refuses what is %s by label, with the command that takes it over",
    async (_, labels, words) => {
      const { run, imported } = prepare(
        { [APPLY]: failed("AlreadyExists"), [LOCK]: "", [STATE]: "" },
        { [ACCOUNTS]: { body: { serviceAccounts: [account("aje1", labels)] } } },
      );

      const message = await run().catch((error: Error) => error.message);

      expect(message).toContain(`  - service account shop-a (aje1), ${words}`);
      expect(message).toContain("`npm run deploy -- --take-over aje1` takes them over.");
      expect(imported()).toBeUndefined();
    },
  );

  test("gives up with terraform's own words where there is nothing of ours", async () => {
    const { system, run, mark } = prepare(
      { [APPLY]: failed("Quota exceeded"), [LOCK]: "", [STATE]: "" },
      { [ACCOUNTS]: { body: {} } },
    );

    await expect(run()).rejects.toThrow("Error: Quota exceeded");
    expect(system.ran).toEqual([APPLY, LOCK, STATE]);
    expect(existsSync(mark)).toBe(true);
  });

  test("gives up with terraform's own words where it may not look", async () => {
    const { run } = prepare(
      { [APPLY]: failed("Quota exceeded"), [LOCK]: "", [STATE]: "" },
      { [ACCOUNTS]: { status: 403, body: { message: "no" } } },
    );

    await expect(run()).rejects.toThrow("Error: Quota exceeded");
  });

  test("looks at nothing while another run holds the state", async () => {
    const { system, run } = prepare({ [APPLY]: failed("Error acquiring the state lock") });

    await expect(run()).rejects.toThrow("Another run holds the lock.");
    expect(system.ran).toEqual([APPLY]);
  });

  test.each([
    ["no deploy has ended, and its container is known", {}, [CONTAINER()], "deleted unfinished"],
    ["a deploy has ended", { gateway: { value: {} } }, [CONTAINER()], "may be in use"],
    ["the state knows nothing", {}, [], "may be in use"],
  ])("a gateway that terraform cannot import: %s", async (_, outputs, resources, words) => {
    const { run, mark } = prepare(
      {
        [APPLY]: DONE,
        [LOCK]: "",
        [STATE]: JSON.stringify({ resources }),
        [OUTPUTS]: JSON.stringify(outputs),
      },
      {
        [GATEWAYS]: { body: { apiGateways: [{ id: "d5d1", name: "shop-g", labels: OURS }] } },
        "DELETE https://serverless-apigateway.api.cloud.yandex.net/apigateways/v1/apigateways/d5d1":
          { body: { done: true } },
      },
      GATEWAY,
    );
    writeFileSync(mark, "");

    expect(await run().catch((error: Error) => error.message)).toContain(words);
  });

  test("a gateway of a run that was killed while it wrote the state", async () => {
    const path = "apigateways/v1/apigateways";
    const { run, mark } = prepare(
      { [APPLY]: DONE, [LOCK]: "", [STATE]: '{"resources":[]}', [OUTPUTS]: "{}" },
      {
        [GATEWAYS]: { body: { apiGateways: [{ id: "d5d1", name: "shop-g", labels: OURS }] } },
        [`DELETE https://serverless-apigateway.api.cloud.yandex.net/${path}/d5d1`]: {
          body: { done: true },
        },
      },
      GATEWAY,
    );
    writeFileSync(mark, "");
    const sign = mark.replace("unfinished", "tfstate.cut");
    writeFileSync(sign, "");

    expect(await run()).toMatch(/^put back the state from before a killed run; deleted unfinished/);
    expect(existsSync(sign)).toBe(false);
  });
});

function CONTAINER() {
  const attributes = { id: "bba" };
  return {
    mode: "managed",
    type: "yandex_serverless_container",
    name: "c",
    instances: [{ attributes }],
  };
}

function account(id: string, labels: object) {
  return { id, name: "shop-a", labels };
}

function failed(reason: string) {
  return { exitCode: 1, stdout: `Error: ${reason}\n` };
}

function prepare(commands: Commands, routes: Routes = {}, resource: object = RESOURCES) {
  const root = mkdtempSync(join(tmpdir(), "recovery-"));
  const stack = join(root, "cdktf.out/stacks/app");
  mkdirSync(stack, { recursive: true });
  writeFileSync(join(stack, "cdk.tf.json"), JSON.stringify({ resource }));
  const system = fakeSystem({ root, commands, routes });
  const session = {
    system,
    settings: SETTINGS,
    access: ACCESS,
    api: new CloudApi(system, ACCESS),
    folderId: "b1g",
    terraform: new Terraform(system, { stage: undefined, env: {} }),
  };
  const imports = join(stack, "zz_import.tf.json");
  return {
    system,
    mark: join(makeStageDirectory(undefined, root), "app.unfinished"),
    run: () => applyStack({ session, kind: "app", report: () => {} }),
    imported: () => (existsSync(imports) ? readFileSync(imports, "utf8") : undefined),
  };
}
