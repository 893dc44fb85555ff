import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const FIELDS = `staticBucket: "shop-static",`;
const UPLOAD = "upload-static";

/** Revisions that were made and commands that were run. */
const steps = ({ cloud }: Project) =>
  cloud().log.filter((line) => /^(revision|manage) /.test(line));

const emptyLog = ({ change }: Project) =>
  change((cloud) => {
    cloud.log = [];
  });

const newest = ({ cloud }: Project) => cloud().images.at(-1)?.digest;

const active = ({ cloud }: Project, name: string) =>
  Object.values(cloud().containers)
    .find((container) => container.name === name)
    ?.revisions.find(({ status }) => status === "ACTIVE");

describeTerraform("a stage with a bucket of static files", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject(FIELDS);
  });
  afterAll(() => project.close());

  test("a bucket that is not there ends the deploy before anything is served", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.code).toBe(1);
    expect(deploy.output).toContain("Bucket shop-static not found");
    expect(steps(project)).toEqual([]);
  });

  test("deploy fills it with the image's files before site and worker have the image", async () => {
    project.change((cloud) => {
      cloud.buckets = ["shop-static"];
      cloud.commands = { [UPLOAD]: { output: "312 files, 4 uploaded, 2 removed\n" } };
    });

    const deploy = await project.npm("deploy", ["--verbose"]);

    expect(deploy.code, deploy.output).toBe(0);
    expect(deploy.output).toContain("312 files, 4 uploaded, 2 removed");
    const digest = newest(project);
    expect(steps(project).slice(0, 2)).toEqual([
      `revision shop-manage ${digest}`,
      `manage ${digest} ${UPLOAD}`,
    ]);
    expect(steps(project).slice(2).sort()).toEqual([
      `revision shop-web ${digest}`,
      `revision shop-worker ${digest}`,
    ]);
  });

  test("the command alone is told of the bucket, and its key may write to it", () => {
    const { accounts, grants } = project.cloud();
    const [runtime] = Object.keys(accounts).filter((id) => accounts[id]?.name === "shop-runtime");

    expect(active(project, "shop-manage")?.environment.STATIC_BUCKET_URL).toBe(
      "https://storage.yandexcloud.net/shop-static",
    );
    expect(active(project, "shop-web")?.environment).not.toHaveProperty("STATIC_BUCKET_URL");
    expect(grants).toContainEqual(
      expect.objectContaining({
        ...{ target: "bucket:shop-static", role: "storage.editor" },
        member: `serviceAccount:${runtime}`,
      }),
    );
  });

  test("an unchanged deploy uploads nothing, and a plan is empty", async () => {
    emptyLog(project);

    const deploy = await project.npm("deploy");
    const plan = await project.npm("plan");

    expect(deploy.output).toContain("App: no change");
    expect(plan.output.match(/No changes\./g)).toHaveLength(2);
    expect(steps(project)).toEqual([]);
  });

  test("an upload that fails ends the deploy with its output; what ran before goes on", async () => {
    const before = newest(project);
    project.write("site/version.py", "2\n");
    project.change((cloud) => {
      cloud.commands = { [UPLOAD]: { exitCode: 1, output: "STATIC_URL is '/assets/'\n" } };
    });

    const deploy = await project.npm("deploy");

    expect(deploy.code).toBe(1);
    expect(deploy.stderr).toContain("STATIC_URL is '/assets/'");
    expect(active(project, "shop-web")?.digest).toBe(before);
    expect(active(project, "shop-manage")?.digest).not.toBe(before);
  });

  test("the next deploy makes up for it, with migrations beside it", async () => {
    project.configure(`${FIELDS} release: "migrate --noinput",`);
    emptyLog(project);
    project.change((cloud) => {
      cloud.commands = {};
    });

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    const digest = newest(project);
    expect(steps(project).slice(0, 2).sort()).toEqual([
      `manage ${digest} migrate --noinput`,
      `manage ${digest} ${UPLOAD}`,
    ]);
    expect(steps(project).slice(2).sort()).toEqual([
      `revision shop-web ${digest}`,
      `revision shop-worker ${digest}`,
    ]);
  });

  test("without it nothing of it is left but the bucket", async () => {
    project.configure("");

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    const { buckets, containers, grants } = project.cloud();
    expect(Object.values(containers).map(({ name }) => name)).not.toContain("shop-manage");
    expect(grants.filter(({ target }) => target.startsWith("bucket:"))).toEqual([]);
    expect(buckets).toEqual(["shop-static"]);
  });
});
