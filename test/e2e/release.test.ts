import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

describeTerraform("a stage with a release step", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject(`release: "migrate --noinput",`);
  });
  afterAll(() => project.close());

  test("deploy runs it with the new image, before site and worker exist", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    const { log, images } = project.cloud();
    const digest = images[0]?.digest;
    const steps = log.filter((line) => /^(revision|manage) /.test(line));
    expect(steps.slice(0, 2)).toEqual([
      `revision shop-manage ${digest}`,
      `manage ${digest} migrate --noinput`,
    ]);
    expect(steps.slice(2).sort()).toEqual([
      `revision shop-web ${digest}`,
      `revision shop-worker ${digest}`,
    ]);
  });

  test("manage runs a command there, shows its output and exits with its code", async () => {
    project.change((cloud) => {
      cloud.commands = { "check --deploy": { exitCode: 3, output: "one\ntwo\n" } };
    });

    const manage = await project.npm("manage", ["check", "--deploy"]);

    expect(manage).toMatchObject({ code: 3, stdout: "one\ntwo\n", stderr: "" });
  });

  test("nobody but the one who deployed may", async () => {
    project.change(({ yc }) => {
      if (yc) yc.userId = "ajebob00000000000001";
    });

    const manage = await project.npm("manage", ["check"]);

    expect(manage).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr:
        "The container does not let you in (403). Only whoever deployed last may run commands: userAccount:ajeuser0000000000001. `npm run deploy` makes that you; the right may take a minute.\n",
    });
  });
});
