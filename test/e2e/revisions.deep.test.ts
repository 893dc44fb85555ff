import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const LIKELY_CAUSES = /image[\s\S]*(secret|Lockbox)/i;

const setFault = (project: Project, revisions: boolean) =>
  project.change((cloud) => {
    cloud.faults.revisions = revisions;
  });

describeTerraform("a first revision that does not start", () => {
  let project: Project;
  beforeAll(async () => {
    project = await newProject();
  });
  afterAll(() => project.close());

  test("fails the deploy and names the likely causes", async () => {
    setFault(project, true);

    const deploy = await project.npm("deploy");

    expect(deploy.code).not.toBe(0);
    expect(deploy.output).toMatch(LIKELY_CAUSES);
    // The cloud's own reason, which the provider only warns of.
    expect(deploy.output).toContain(
      "Failed to deploy a revision of container shop-web, apply again: rpc error: code = Internal desc = Revision failed to start",
    );
    expect(Object.values(project.cloud().triggers)).toEqual([]);
  });

  test("fails it again while the cause stands", async () => {
    expect((await project.npm("deploy")).code).not.toBe(0);
  });

  test("is fixed by the next deploy, without state surgery", async () => {
    setFault(project, false);

    const deploy = await project.npm("deploy");

    expect(deploy.code).toBe(0);
    expect((await project.npm("plan")).output.match(/No changes\./g)).toHaveLength(2);
  });
});

describeTerraform("a later revision that does not start", () => {
  let project: Project;
  beforeAll(async () => {
    project = await newProject();
    await project.npm("deploy");
  });
  afterAll(() => project.close());

  const SECRET = (versionId: string) =>
    `secrets: { TOKEN: { secretId: "e6qown00000000000001", versionId: "${versionId}", key: "token" } },`;

  test.each<[string, (project: Project) => void]>([
    ["image", ({ write }) => write("site/new.py", "1")],
    ["environment", ({ configure }) => configure(`env: { DEBUG: "1" },`)],
    ["memory", ({ configure }) => configure("web: { memoryMib: 1024 },")],
    [
      "secret",
      ({ configure, change }) => {
        change((cloud) => {
          cloud.secrets.e6qown00000000000001 = {
            name: "own",
            versions: { v1: { status: "ACTIVE", entries: { token: "x" } } },
          };
        });
        configure(SECRET("v1"));
      },
    ],
  ])("by its %s fails the deploy, and the next one recovers", async (_, alter) => {
    alter(project);
    setFault(project, true);
    const failed = await project.npm("deploy");
    setFault(project, false);
    const recovered = await project.npm("deploy");

    expect(failed.code).not.toBe(0);
    expect(failed.output).toMatch(LIKELY_CAUSES);
    expect(recovered.code).toBe(0);
    expect(recovered.output).toMatch(/App: \d+ added, [12] changed/);
  });

  test("by a secret version that is gone fails it too", async () => {
    project.configure(SECRET("v2"));

    const failed = await project.npm("deploy");
    project.configure(SECRET("v1"));
    const recovered = await project.npm("deploy");

    expect(failed.code).not.toBe(0);
    expect(failed.output).toMatch(LIKELY_CAUSES);
    expect(recovered.code).toBe(0);
  });

  test("fails plain terraform as well, which the CLI runs", async () => {
    project.configure("worker: { memoryMib: 2048 },");
    setFault(project, true);
    await project.run("node", ["run.mjs", "main.ts"]);

    const apply = await project.run(
      "terraform",
      ["-chdir=cdktf.out/stacks/app", "apply", "-auto-approve", "-no-color"],
      { YC_TOKEN: "t1.stand-in.token" },
    );
    setFault(project, false);

    expect(apply.code).toBe(1);
    expect(apply.output).toMatch(LIKELY_CAUSES);
  });
});
