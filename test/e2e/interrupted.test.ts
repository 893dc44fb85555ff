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
});
