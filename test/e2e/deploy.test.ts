import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

describeTerraform("npm run deploy", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject();
  });
  afterAll(() => project.close());

  test("brings up the whole system from nothing", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("The site is at https://");
    expect(deploy.code).toBe(0);
  });
});
