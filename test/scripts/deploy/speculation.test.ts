import { existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import {
  forgetRegistry,
  rememberRegistry,
  speculate,
} from "../../../scripts/lib/deploy/speculation.ts";
import { applyStack } from "../../../scripts/lib/terraform/apply-stack.ts";
import { Terraform } from "../../../scripts/lib/terraform/terraform.ts";
import { makeStageDirectory } from "../../../stacks/directories.ts";
import { settings } from "../_settings.ts";
import { ACCESS, type Commands, fakeSystem } from "../_system.ts";

const REPOSITORY = "cr.yandex/crp1/app";
const DIGEST = `sha256:${"a".repeat(64)}`;
const IMAGE = `${REPOSITORY}@${DIGEST}`;
const IMAGES =
  "GET https://container-registry.api.cloud.yandex.net/container-registry/v1/images?repositoryName=crp1%2Fapp&pageSize=1000";
const APP = "terraform -chdir=cdktf.out/stacks/app";
const FILE = "../../../.state/default/app.plan";
const INIT = `${APP} init -input=false -no-color`;
const PLAN = `${APP} plan -input=false -no-color -detailed-exitcode -lock-timeout=120s -out=${FILE}`;
const PLANNED = `${APP} apply -input=false -no-color -lock-timeout=120s ${FILE}`;
const APPLY = `${APP} apply -input=false -no-color -auto-approve -lock-timeout=120s`;
const DONE = "Apply complete! Resources: 0 added, 2 changed, 0 destroyed.";

describe("speculate", () => {
  test.each([
    [0, false],
    [2, true],
  ])("plans the app when the image is known; exit code %d", async (exitCode, changes) => {
    const { system, start } = prepare({ [INIT]: "", [PLAN]: { exitCode } });

    const started = start();

    expect(await started?.image).toMatchObject({ image: IMAGE });
    expect(await started?.plan).toEqual({ changes });
    expect(system.ran).toEqual([INIT, PLAN]);
  });

  test("leaves a plan that fails to the apply, which says why", async () => {
    const { start } = prepare({ [INIT]: "", [PLAN]: { exitCode: 1 } });

    expect(await start()?.plan).toBeUndefined();
  });

  test("plans nothing without the image", async () => {
    const { system, start } = prepare({ [INIT]: "" });

    const started = start(`${REPOSITORY}@sha256:${"b".repeat(64)}`);

    expect(await started?.plan).toBeUndefined();
    await expect(started?.image).rejects.toThrow("The registry does not hold");
    expect(system.ran).toEqual([INIT]);
  });

  test.each<[string, (root: string) => void]>([
    ["whose stack was never applied here", (root) => forgetRegistry({ root }, undefined)],
    ["whose stack is another", (root) => writeFileSync(stackFile(root, "registry"), "{}\n")],
    ["whose apply never ended", (root) => mark(root, "registry")],
    ["beside an app whose apply never ended", (root) => mark(root, "app")],
  ])("waits for a registry %s", (_, change) => {
    const { system, start } = prepare({});
    change(system.root);

    expect(start()).toBeUndefined();
  });

  test.each([
    ["a domain", { domain: { fqdn: "shop.example.com", dns: "external" }, stages: {} }, {}],
    ["triggers that may change hands", { trigger: "terraform" }, {}],
    ["flags of the user's own for Terraform", {}, { TF_CLI_ARGS_apply: "-parallelism=1" }],
  ])("waits with %s", (_, config, env) => {
    expect(prepare({}, config, env).start()).toBeUndefined();
  });
});

describe("a saved plan", () => {
  test("that changes nothing is all there is to do", async () => {
    const { system, apply } = prepare({});

    expect(await apply(false)).toBe("no change");
    expect(system.ran).toEqual([]);
  });

  test("is applied, and not kept", async () => {
    const { system, apply } = prepare({ [PLANNED]: DONE });
    const plan = join(system.root, ".state/default/app.plan");
    writeFileSync(plan, "");

    expect(await apply(true)).toBe("0 added, 2 changed, 0 destroyed");
    expect(system.ran).toEqual([PLANNED]);
    expect(existsSync(plan)).toBe(false);
    expect(statSync(join(plan, "..")).mode & 0o77).toBe(0);
  });

  test("is planned again after another run", async () => {
    const { system, apply } = prepare({
      [PLANNED]: { exitCode: 1, stdout: "Error: Saved plan is stale\n" },
      [`${APP} taint -allow-missing -lock-timeout=120s terraform_data.none`]: "",
      [`${APP} state pull`]: "",
      [APPLY]: DONE,
    });

    expect(await apply(true)).toBe(
      "planned again after another run; 0 added, 2 changed, 0 destroyed",
    );
    expect(system.ran.filter((line) => line.includes(" apply "))).toEqual([PLANNED, APPLY]);
  });
});

function stackFile(root: string, kind: string): string {
  return join(root, "cdktf.out/stacks", kind, "cdk.tf.json");
}

function mark(root: string, kind: string): void {
  writeFileSync(join(root, `.state/default/${kind}.unfinished`), "");
}

function prepare(commands: Commands, config: object = {}, env: Record<string, string> = {}) {
  const root = mkdtempSync(join(tmpdir(), "speculation-"));
  makeStageDirectory(undefined, root);
  for (const kind of ["registry", "app"]) {
    mkdirSync(join(stackFile(root, kind), ".."), { recursive: true });
    writeFileSync(stackFile(root, kind), "{}");
  }
  const images = [{ id: "crp2", digest: DIGEST }];
  const system = fakeSystem({ root, env, commands, routes: { [IMAGES]: { body: { images } } } });
  const session = {
    system,
    settings: settings(config),
    access: ACCESS,
    api: new CloudApi(system, ACCESS),
    folderId: "b1g",
    terraform: new Terraform(system, { stage: undefined, env: {} }),
  };
  rememberRegistry(session, REPOSITORY);
  const options = { system, access: ACCESS, settings: session.settings };
  return {
    system,
    start: (given = IMAGE) => speculate(session, { ...options, given }),
    apply: (changes: boolean) =>
      applyStack({ session, kind: "app", report: () => {}, plan: { changes } }),
  };
}
