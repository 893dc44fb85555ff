import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { newProject, type Project } from "../support/project.ts";

// The accounts, the log group and the database are being made then, and some of them are.
const IN_THE_MIDDLE = 8;

// The deep test loses every creation of a deploy, in each of the ways.
describeTerraform("a deploy that is killed with its terraform while it makes things", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject();
    project.change(({ faults }) => {
      faults.creation = { at: IN_THE_MIDDLE, by: "kill all" };
    });
  });
  afterAll(() => project.close());

  test("is finished by the next one, which says what it took over, and the third changes nothing", async () => {
    const killed = await project.npm("deploy");
    const second = await project.npm("deploy");
    const whole = cloudShape(project.cloud());
    const third = await project.npm("deploy");

    expect(killed.code).not.toBe(0);
    expect(project.cloud().lost).toHaveLength(1);
    expect(second.output).toMatch(/App: .*took over \w/);
    expect(second.code, second.output).toBe(0);
    expect(third.output).toMatch(/Registry: no change[\s\S]*App: no change/);
    expect(third.code).toBe(0);
    expect(cloudShape(project.cloud())).toEqual(whole);
    expect(Object.values(project.cloud().keys)).toHaveLength(2);
  });
});
