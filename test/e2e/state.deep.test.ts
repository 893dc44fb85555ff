import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Cloud } from "../cloud/state.ts";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { newProject, type Project } from "../support/project.ts";

const KEY = { AWS_ACCESS_KEY_ID: "YCAstate", AWS_SECRET_ACCESS_KEY: "state-secret" };
const NO_KEY = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
const PRODUCTION = ["--stage", "production"];

describeTerraform("stages with their state in Object Storage", () => {
  let project: Project;
  /** The cloud with the first stage in it. */
  let alone: unknown;

  const backend = () =>
    `backend: { type: "s3", bucket: "states", endpoint: "${project.env.CLOUD_HTTP}/storage" },`;
  const states = () => Object.keys(project.cloud().objects).sort();

  beforeAll(async () => {
    project = await newProject();
    project.configure(backend());
    project.change((cloud) => {
      cloud.keys.YCAstate = { id: "aje1", accountId: "ajestate", secret: "state-secret" };
    });
  });
  afterAll(() => project.close());

  test("a missing key is one problem with its fix", async () => {
    const deploy = await project.npm("deploy", [], NO_KEY);

    expect(deploy.stderr.trim()).toBe(
      "The state is kept in Object Storage, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set. Set them to a static key that may write to the bucket.",
    );
    expect(deploy.code).toBe(1);
  });

  test("a store that cannot lock is refused before anything is made", async () => {
    setFault(project, true);

    const deploy = await project.npm("deploy", [], KEY);
    setFault(project, false);

    expect(deploy.output).toContain(
      "Bucket states ignores conditional writes, so it cannot lock the state",
    );
    expect(deploy.code).toBe(1);
    expect(states()).toEqual([]);
    expect(project.cloud().registries).toEqual({});
  });

  test("deploy proves the lock by two conditional writes, and leaves the states alone", async () => {
    const deploy = await project.npm("deploy", [], KEY);

    expect(deploy.output).toContain("The site is at https://");
    expect(deploy.code).toBe(0);
    const probes = project.cloud().log.filter((line) => line.includes("lock-check"));
    expect(probes.map((line) => /GET|PUT|DELETE/.exec(line)?.[0]).slice(-3)).toEqual([
      "PUT",
      "PUT",
      "DELETE",
    ]);
    expect(states()).toEqual([
      "states/shop/default/app.tfstate",
      "states/shop/default/registry.tfstate",
    ]);
    expect(existsSync(join(project.dir, ".state/default/app.tfstate"))).toBe(false);
    alone = cloudShape(project.cloud());
  });

  test("a second deploy changes nothing", async () => {
    const deploy = await project.npm("deploy", [], KEY);

    expect(deploy.output).toMatch(/Registry: no change[\s\S]*App: no change/);
    expect(deploy.code).toBe(0);
    expect(cloudShape(project.cloud())).toEqual(alone);
  });

  test("another stage has a state, names and a repository of its own", async () => {
    const before = project.cloud();

    const deploy = await project.npm("deploy", PRODUCTION, KEY);

    expect(deploy.code).toBe(0);
    expect(states()).toEqual([
      "states/shop/default/app.tfstate",
      "states/shop/default/registry.tfstate",
      "states/shop/production/app.tfstate",
      "states/shop/production/registry.tfstate",
    ]);
    const production = names(before).map((name) => name.replace(/^shop/, "shop-production"));
    expect(names(project.cloud())).toEqual([...names(before), ...production].sort());
    expect(project.cloud().images).toHaveLength(2);
    expectUntouched(before, project.cloud());
  });

  test("STAGE stands for --stage", async () => {
    const verify = await project.npm("verify", [], { ...KEY, STAGE: "production" });

    expect(verify.output).toContain("trigger shop-production-tasks");
    expect(verify.code).toBe(0);
  });

  test("production is protected: its destroy is refused before anything is touched", async () => {
    const before = project.cloud();

    const destroy = await project.npm("destroy", ["--yes", ...PRODUCTION], KEY);

    expect(destroy.output).toContain(
      "The database shop-production-results is protected from deletion. Set 'database.deletionProtection' to false for this stage in config.ts, deploy, then destroy again. Nothing was deleted.",
    );
    expect(destroy.code).toBe(1);
    expect(cloudShape(project.cloud())).toEqual(cloudShape(before));
  });

  test("production without the protection goes, and the other stage stays", async () => {
    project.configure(`${backend()} database: { deletionProtection: false },`);

    const early = await project.npm("destroy", ["--yes", ...PRODUCTION], KEY);
    await project.npm("deploy", PRODUCTION, KEY);
    const destroy = await project.npm("destroy", ["--yes", ...PRODUCTION], KEY);
    const verify = await project.npm("verify", [], KEY);

    expect(early.output).toContain("Deploy once more");
    expect(destroy.output).toContain("the state's bucket states");
    expect(destroy.code).toBe(0);
    expect(cloudShape(project.cloud())).toEqual(alone);
    expect(verify.code).toBe(0);
  });
});

function setFault(project: Project, noConditionalWrites: boolean): void {
  project.change((cloud) => {
    cloud.faults.noConditionalWrites = noConditionalWrites;
  });
}

/** Names of everything that a stage is made of. */
function names({ registries, containers, gateways, databases, secrets, triggers }: Cloud) {
  return [registries, containers, gateways, databases, secrets, triggers]
    .flatMap((things: Record<string, { name: string }>) => Object.values(things))
    .map(({ name }) => name)
    .sort();
}

/** Whatever was there still is unchanged. */
function expectUntouched(before: Cloud, after: Cloud): void {
  const { registries, containers, gateways, databases, secrets, triggers, queues, images } = before;
  expect(after).toMatchObject({ registries, containers, gateways, databases, triggers, queues });
  expect(after.secrets).toMatchObject(secrets);
  expect(after.images).toEqual(expect.arrayContaining(images));
}
