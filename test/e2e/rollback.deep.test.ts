import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { newProject, type Project } from "../support/project.ts";

const IDENTITY = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
const PLACES = ["✔ Pre-flight", "✔ Registry", "✔ Image", "… App", "✔ App", "✔ Results table"];

describeTerraform("going back to an earlier image", () => {
  let project: Project;
  const commits: string[] = [];

  const commit = (text: string) => {
    project.write("site/version.py", text);
    const git = (...args: string[]) =>
      execFileSync("git", ["-C", `${project.dir}/site`, ...IDENTITY, ...args], {
        encoding: "utf8",
      });
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "--message", text);
    commits.push(git("rev-parse", "HEAD").slice(0, 12));
  };
  const history = async () =>
    (await project.npm("history", ["--json"])).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const served = () =>
    Object.values(project.cloud().containers).map(
      ({ revisions }) => revisions.find(({ status }) => status === "ACTIVE")?.digest,
    );

  beforeAll(async () => {
    project = await newProject(`release: "migrate --noinput",`);
    for (const text of ["first", "second", "third"]) {
      commit(text);
      const deploy = await project.npm("deploy");
      expect(deploy.code, deploy.output).toBe(0);
    }
  });
  afterAll(() => project.close());

  test("history tells when which commit has run, and where it runs now", async () => {
    const { stdout } = await project.npm("history");

    expect(stdout.trim().split("\n")).toEqual(
      commits
        .toReversed()
        .map((it) => expect.stringMatching(new RegExp(`^\\d{4}-.*  sha256:.*  commit ${it}`))),
    );
    expect((await history()).map(({ runs }) => runs.length)).toEqual([3, 0, 0]);
  });

  test("asks before it takes the one before, where nobody has named it", async () => {
    const before = cloudShape(project.cloud());
    const rollback = await project.npm("rollback");

    expect(rollback.stderr).toContain("No terminal to ask for confirmation.");
    expect(rollback.code).toBe(1);
    expect(cloudShape(project.cloud())).toEqual(before);
  });

  test("deploys it by the road of a deploy, and the next plan is empty", async () => {
    const [, second] = await history();
    const rollback = await project.npm("rollback", ["--yes"]);
    const plan = await project.npm("plan");

    expect(rollback.output).toContain(`commit ${commits[1]}`);
    expect(rollback.output).toContain("no migration is undone");
    expect(rollback.output).toContain("The site is at https://");
    expect(rollback.code, rollback.output).toBe(0);
    expect(new Set(served())).toEqual(new Set([second.digest]));
    expect(plan.output.match(/No changes\./g)).toHaveLength(2);
  });

  test("of sources that are as they were deploys them again", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect((await history())[0]).toMatchObject({
      commit: commits[2],
      runs: ["manage", "web", "worker"],
    });
  });

  describe("killed with all that it started", () => {
    test.each(PLACES)("at '%s', is finished by the same command", async (place) => {
      const wanted = `${commits[0]}`;
      await project.npm("deploy");

      const killed = await project.killAllAt(new RegExp(place), "rollback", [wanted]);
      const second = await project.npm("rollback", [wanted]);
      const plan = await project.npm("plan");

      expect(killed.code).toBe(-1);
      expect(second.code, second.output).toBe(0);
      expect(plan.output.match(/No changes\./g)).toHaveLength(2);
      expect((await history())[0]).toMatchObject({ commit: wanted });
      expect(new Set(served()).size).toBe(1);
    });
  });

  test("that the registry has deleted is refused, and nothing changes", async () => {
    const { digest } = (await history()).find(({ commit: it }) => it === commits[1]);
    project.change((cloud) => {
      cloud.images = cloud.images.filter((image) => image.digest !== digest);
    });
    const before = cloudShape(project.cloud());
    const rollback = await project.npm("rollback", [digest]);

    expect(rollback.stderr).toContain("The registry no longer has sha256:");
    expect(rollback.code).toBe(1);
    expect(cloudShape(project.cloud())).toEqual(before);
  });
});
