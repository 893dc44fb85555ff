import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { newProject, type Project } from "../support/project.ts";

describeTerraform("a stage's life, by the commands", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject();
  });
  afterAll(() => project.close());

  test("dry run: says what would be done and does none of it", async () => {
    const deploy = await project.npm("deploy", ["--dry-run"]);

    expect(deploy.stdout).toMatch(
      /Registry[\s\S]*Image[\s\S]*App[\s\S]*Results table[\s\S]*Triggers/,
    );
    expect(deploy.code).toBe(0);
    expect(project.cloud().log).toEqual([]);
  });

  test("plan, before anything exists, needs no image", async () => {
    const plan = await project.npm("plan");

    expect(plan.output).toMatch(/Plan: \d+ to add/);
    expect(plan.code).toBe(0);
    expect(project.cloud().registries).toEqual({});
  });

  test("deploy brings up the whole system from nothing", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("The site is at https://");
    expect(deploy.code).toBe(0);
    const cloud = project.cloud();
    const [image] = cloud.images;
    const active = Object.values(cloud.containers).map(({ name, revisions }) => ({
      name,
      digests: revisions.map(({ digest, status }) => `${status} ${digest}`),
    }));
    expect(active.sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: "shop-web", digests: [`ACTIVE ${image?.digest}`] },
      { name: "shop-worker", digests: [`ACTIVE ${image?.digest}`] },
    ]);
    expect(Object.values(cloud.tables)).toMatchObject([
      { status: "ACTIVE", ttlAttribute: "ttl", request: { BillingMode: "PAY_PER_REQUEST" } },
    ]);
  });

  test("the image is one manifest for linux/amd64", () => {
    expect(project.cloud().images).toMatchObject([{ index: false, platform: "linux/amd64" }]);
  });

  test("the trigger reads the queue and calls the worker, each as its own account", () => {
    const { triggers, containers, accounts } = project.cloud();
    const worker = Object.keys(containers).find((id) => containers[id]?.name === "shop-worker");
    const account = (name: string) =>
      Object.keys(accounts).find((id) => accounts[id]?.name === name);

    expect(Object.values(triggers)).toMatchObject([
      {
        name: "shop-tasks",
        status: "ACTIVE",
        rule: {
          message_queue: {
            queue_id: "yrn:yc:ymq:ru-central1:b1gfolder00000000001:shop-tasks",
            service_account_id: account("shop-reader"),
            batch_settings: { size: "1", cutoff: "1s" },
            invoke_container: {
              container_id: worker,
              path: "/",
              service_account_id: account("shop-trigger"),
            },
          },
        },
      },
    ]);
  });

  test("the results table is there before the trigger", () => {
    const { log } = project.cloud();
    const table = log.findIndex((line) => line.includes("/docapi/"));
    const trigger = log.findIndex((line) => /trigger .*create message-queue/.test(line));

    expect(table).toBeGreaterThan(0);
    expect(trigger).toBeGreaterThan(table);
  });

  test("a second deploy changes nothing and builds nothing", async () => {
    const before = project.cloud();
    project.change((cloud) => {
      cloud.log = [];
    });

    const deploy = await project.npm("deploy");

    expect(deploy.output).toMatch(
      /Registry: no change[\s\S]*Image: unchanged[\s\S]*App: no change/,
    );
    expect(deploy.code).toBe(0);
    expect(cloudShape(project.cloud())).toEqual(cloudShape(before));
    expect(
      project.cloud().log.filter((line) => /build|push|create|update|delete/.test(line)),
    ).toEqual(["yc iam create-token --no-browser"]);
  });

  test("every stack's plan is empty then", async () => {
    const plan = await project.npm("plan");

    expect(plan.output.match(/No changes\./g)).toHaveLength(2);
  });

  test("verify tells what it looked at", async () => {
    const verify = await project.npm("verify");

    expect(verify.output).toMatch(
      /web: active revision[\s\S]*gateway[\s\S]*trigger[\s\S]*dead letters/,
    );
    expect(verify.code).toBe(0);
  });

  test.each<[string, (project: Project) => void, RegExp]>([
    [
      "a paused trigger",
      ({ change }) =>
        change(({ triggers }) => {
          for (const trigger of Object.values(triggers)) trigger.status = "PAUSED";
        }),
      /trigger shop-tasks.*paused/i,
    ],
    [
      "a trigger on another container",
      ({ change }) =>
        change(({ triggers, containers }) => {
          const web = Object.keys(containers).find((id) => containers[id]?.name === "shop-web");
          for (const { rule, ...trigger } of Object.values(triggers)) {
            Object.assign(trigger, { status: "ACTIVE" });
            if (rule.message_queue) rule.message_queue.invoke_container.container_id = String(web);
          }
        }),
      /trigger shop-tasks/,
    ],
    [
      "a revision that was deployed by somebody else",
      ({ change }) =>
        change(({ containers }) => {
          for (const { revisions } of Object.values(containers)) {
            for (const revision of revisions) revision.environment.REVISION_FINGERPRINT = "other";
          }
        }),
      /web: active revision/,
    ],
  ])("verify fails on %s", async (_, spoil, line) => {
    const before = project.cloud();
    spoil(project);

    const verify = await project.npm("verify");
    project.change((cloud) => Object.assign(cloud, before));

    expect(verify.output).toMatch(line);
    expect(verify.code).toBe(1);
  });

  test("trigger --pause, --resume and --delete do that, and trigger makes it again", async () => {
    const status = () => Object.values(project.cloud().triggers).map(({ status }) => status);

    await project.npm("trigger", ["--pause"]);
    expect(status()).toEqual(["PAUSED"]);
    await project.npm("trigger", ["--resume"]);
    expect(status()).toEqual(["ACTIVE"]);
    await project.npm("trigger", ["--delete"]);
    expect(status()).toEqual([]);
    await project.npm("trigger");
    expect(status()).toEqual(["ACTIVE"]);
  });

  test("a profile that stands for the new command tree changes nothing for the trigger", async () => {
    project.change((cloud) => {
      if (cloud.yc) cloud.yc.serverlessVersion = 2;
    });

    const trigger = await project.npm("trigger");

    expect(trigger).toMatchObject({ code: 0, output: "no change\n" });
  });

  test("a CLI from before the versioned trees works too", async () => {
    project.change((cloud) => {
      cloud.yc = { ...cloud.yc, loggedIn: true, version: "0.150.0", serverlessVersion: undefined };
    });

    const trigger = await project.npm("trigger");

    expect(trigger).toMatchObject({ code: 0, output: "no change\n" });
  });

  test("an expired login stops a deploy before anything, and waits for no browser", async () => {
    project.change((cloud) => {
      if (cloud.yc) cloud.yc.sessionExpired = true;
    });

    const deploy = await project.npm("deploy");
    project.change((cloud) => {
      if (cloud.yc) cloud.yc.sessionExpired = false;
    });

    expect(deploy.output).toContain("Run `yc init`");
    expect(deploy.code).toBe(1);
  });

  test("a deploy with a digest that the registry does not have is refused", async () => {
    const [image] = project.cloud().images;
    const gone = `cr.yandex/${image?.repository}@sha256:${"1".repeat(64)}`;

    const deploy = await project.npm("deploy", ["--image", gone]);

    expect(deploy.output).toContain(gone.slice(0, 40));
    expect(deploy.code).toBe(1);
  });

  test("a remembered image that the registry no longer has is built again", async () => {
    project.change((cloud) => {
      cloud.images = [];
    });

    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("Image: built and pushed");
    expect(deploy.code).toBe(0);
  });

  test("destroy asks, and without a terminal does nothing", async () => {
    const before = cloudShape(project.cloud());

    const destroy = await project.npm("destroy");

    expect(destroy.output).toContain("--yes");
    expect(destroy.code).toBe(1);
    expect(cloudShape(project.cloud())).toEqual(before);
  });

  test("destroy --yes leaves nothing, although the registry held images", async () => {
    expect(project.cloud().images).not.toEqual([]);

    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.output).toContain("Nothing is left");
    expect(destroy.code).toBe(0);
    const empty = await newProject();
    expect(cloudShape(project.cloud())).toEqual(cloudShape(empty.cloud()));
    await empty.close();
    expect(existsSync(join(project.dir, ".state/default/image.json"))).toBe(false);
  });

  test("deploy after a destroy starts afresh, without cdktf.out too", async () => {
    rmSync(join(project.dir, "cdktf.out"), { recursive: true });

    const deploy = await project.npm("deploy");

    expect(deploy.code).toBe(0);
  });
});
