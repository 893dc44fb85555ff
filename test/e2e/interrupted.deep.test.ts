import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { newProject, type Project } from "../support/project.ts";

const DOMAIN = `domain: { fqdn: "shop.example.com", dns: "external" },`;

// What the user sees when a step has ended, and, where a tool works in a step, when it begins.
const PLACES = [
  "✔ Pre-flight",
  "✔ Registry",
  "✔ Domain",
  "… Image",
  "✔ Image",
  "… App",
  "✔ App",
  "✔ Results table",
  "✔ Triggers",
  "✔ Verify",
];

describeTerraform("a deploy that is killed", () => {
  const projects: Project[] = [];
  const start = async () => {
    const project = await newProject(DOMAIN);
    projects.push(project);
    return project;
  };
  let whole: unknown;

  afterAll(async () => {
    for (const project of projects) await project.close();
  });

  test("has something to be compared with: one that was not", async () => {
    const project = await start();

    const deploy = await project.npm("deploy");

    expect(deploy.code).toBe(0);
    for (const place of PLACES) expect(deploy.output).toContain(place);
    whole = cloudShape(project.cloud());
  });

  test.each(PLACES)(
    "at '%s' is finished by the next one, and the third changes nothing",
    async (place) => {
      const project = await start();

      const killed = await project.killAt(new RegExp(place), "deploy");
      const second = await project.npm("deploy");
      const afterSecond = cloudShape(project.cloud());
      const third = await project.npm("deploy");

      expect(killed.code).toBe(-1);
      expect(second.output).toContain("The site is at https://");
      expect(second.code).toBe(0);
      expect(afterSecond).toEqual(whole);
      expect(third.code).toBe(0);
      expect(third.output).not.toMatch(/[1-9]\d* (added|changed|destroyed)/);
      expect(cloudShape(project.cloud())).toEqual(whole);
    },
  );

  test.each(["SIGINT", "SIGTERM"] as const)(
    "by %s while Terraform works lets it end, says so, and is finished by the next one",
    async (signal) => {
      const project = await start();
      // Some things are made by then, and some are not.
      const first = /yandex_iam_service_account\S+: Creating/;

      const killed = await project.killAt(first, "deploy", ["--verbose"], signal);
      const app = join(project.dir, ".state/default/app.tfstate");
      const inState = new Set(JSON.parse(readFileSync(app, "utf8")).resources.map(nameOf));
      const accounts = Object.values(project.cloud().accounts).map(({ name }) => name);
      const second = await project.npm("deploy");

      expect(killed.stderr).toBe("Interrupted. Run the same command again to finish.\n");
      expect(killed.code).not.toBe(0);
      // What was made is known, and no lock is left behind.
      expect(accounts.length).toBeGreaterThan(0);
      expect(accounts.filter((name) => !inState.has(name))).toEqual([]);
      expect(second.code).toBe(0);
      expect(cloudShape(project.cloud())).toEqual(whole);
    },
  );
});

function nameOf({ instances }: { instances: { attributes: { name?: string } }[] }) {
  return instances[0]?.attributes.name;
}
