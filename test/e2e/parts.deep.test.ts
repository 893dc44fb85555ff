import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { type Combination, pairwise } from "../support/pairwise.ts";
import { newProject, type Project } from "../support/project.ts";

/** What a project may have or not, as lines of `config.ts`. */
const PARTS = {
  postgres: ["", "postgres: {},", 'postgres: { version: 16, poolingMode: "transaction" },'],
  release: ["", 'release: "check",', "release: false,"],
  media: ["", "media: true,"],
  queues: ["", "queues: { mail: {} },", "queues: { heavy: { worker: { memoryMib: 1024 } } },"],
  schedule: ["", 'schedule: "schedule.json",', 'schedule: "database",'],
  staticBucket: ["", 'staticBucket: "shop-static",'],
  trigger: ["", 'trigger: "terraform",'],
  dashboard: ["", "dashboard: true,"],
};

const TIMERS = { version: 1, timers: [{ name: "nightly", cron: "0 3 * * ? *", payload: "{}" }] };

const COMBINATIONS = pairwise(PARTS).map((combination) => ({
  combination,
  title: Object.values(combination).filter(Boolean).join(" ") || "none of the parts",
}));

describeTerraform("every two parts of a project together", () => {
  describe.each(COMBINATIONS)("$title", ({ combination }) => life(combination));
});

function life(combination: Combination): void {
  let project: Project;
  const releases = combination.release === 'release: "check",' || migrates(combination);

  beforeAll(async () => {
    project = await newProject(Object.values(combination).join("\n  "));
    project.write("schedule.json", JSON.stringify(TIMERS));
    project.change((cloud) => {
      cloud.buckets = ["shop-static"];
    });
  });
  afterAll(() => project.close());

  const revisions = () =>
    Object.fromEntries(
      Object.values(project.cloud().containers).map(({ name, revisions }) => [
        name,
        revisions.find(({ status }) => status === "ACTIVE")?.digest,
      ]),
    );

  test.each(deployPlaces(combination))(
    "killed with all that it started at '%s', leaves nothing that a run cannot go on from",
    async (place) => {
      const killed = await project.killAllAt(new RegExp(place), "deploy");

      expect(killed.output).toMatch(place);
      expect(killed.output).not.toContain("✖");
      expect(killed.code).toBe(-1);
    },
  );

  test("deploys then", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect(deploy.output).toContain("The site is at https://");
  });

  test("has nothing to do then", async () => {
    const before = cloudShape(project.cloud());
    const deploy = await project.npm("deploy");
    const plan = await project.npm("plan");

    expect(deploy.code, deploy.output).toBe(0);
    expect(deploy.output).not.toMatch(/[1-9]\d* (added|changed|destroyed)/);
    expect(plan.output).not.toMatch(/Plan: /);
    expect(plan.code).toBe(0);
    expect(cloudShape(project.cloud())).toEqual(before);
  });

  const failRelease = async () => {
    const before = revisions();
    project.write("site/requirements.txt", "django # another\n");
    project.change((cloud) => {
      const failure = { exitCode: 1, output: "relation does not exist" };
      cloud.commands = { "migrate --noinput": failure, check: failure };
    });
    const failed = await project.npm("deploy");

    expect(failed.code).toBe(1);
    expect(failed.output).toContain("relation does not exist");
    const { "shop-manage": _, ...served } = revisions();
    expect(before).toMatchObject(served);

    project.change((cloud) => {
      cloud.commands = {};
    });
    const fixed = await project.npm("deploy");
    expect(fixed.code, fixed.output).toBe(0);
    expect(revisions()["shop-web"]).not.toBe(before["shop-web"]);
  };

  if (releases) test("goes on as it is when a new image's release fails", failRelease);

  test.each(destroyPlaces(combination))(
    "killed at '%s' of a destroy, leaves nothing that a destroy cannot finish",
    async (place) => {
      const killed = await project.killAllAt(new RegExp(place), "destroy", ["--yes"]);

      expect(killed.output).toMatch(place);
      expect(killed.code).toBe(-1);
    },
  );

  test("leaves nothing behind", async () => {
    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.code, destroy.output).toBe(0);
    const { containers, queues, triggers, gateways, accounts, grants } = project.cloud();
    expect({ containers, queues, triggers, gateways, accounts, grants }).toEqual({
      ...{ containers: {}, queues: {}, triggers: {}, gateways: {}, accounts: {}, grants: [] },
    });
  });
}

// Each run gets a step further than the one before it.
function deployPlaces({ postgres, media, trigger }: Combination): string[] {
  return [
    "✔ Registry",
    ...(postgres || media ? ["… Data", "✔ Data"] : []),
    "… Image",
    "✔ Image",
    "… App",
    "✔ App",
    "✔ Results table",
    ...(trigger ? [] : ["✔ Triggers"]),
  ];
}

// Not when nothing is left to do: the command may be faster than the kill.
function destroyPlaces({ postgres, media }: Combination): string[] {
  return ["… App", "✔ App", `${postgres || media ? "✔" : "…"} Images and registry`];
}

function migrates({ postgres, release }: Combination): boolean {
  return postgres !== "" && release === "";
}
