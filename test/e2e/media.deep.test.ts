import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform, FOLDER_ID } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const BUCKET = "yandex_storage_bucket";

describeTerraform("a stage with a bucket of uploads", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject("media: true,");
  });
  afterAll(() => project.close());

  const stateId = () => {
    const file = join(project.dir, ".state", "default", "state-id.auto.tfvars.json");
    return JSON.parse(readFileSync(file, "utf8")).state_id;
  };

  test("deploy makes it before the app, in the folder, with a name of its own", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.output).toMatch(/Data: 1 added[\s\S]*App: \d+ added/);
    expect(deploy.code, deploy.output).toBe(0);
    const name = `shop-media-${stateId()}`;
    const { containers, grants, others } = project.cloud();
    expect(others[BUCKET]).toMatchObject({ [name]: { bucket: name } });
    expect(grants).toContainEqual(
      expect.objectContaining({ target: `bucket:${name}`, role: "storage.editor" }),
    );
    for (const { revisions } of Object.values(containers)) {
      expect(revisions.at(-1)?.environment).toMatchObject({ AWS_STORAGE_BUCKET_NAME: name });
    }
  });

  test("a second deploy changes nothing, and a plan is empty", async () => {
    const deploy = await project.npm("deploy");
    const plan = await project.npm("plan");

    expect(deploy.output).toMatch(/Data: no change[\s\S]*App: no change/);
    expect(plan.output.match(/No changes\./g)).toHaveLength(3);
  });

  test("a plan says that the app waits for a database that comes beside it", async () => {
    project.configure("media: true, postgres: {},");
    const plan = await project.npm("plan");
    project.configure("media: true,");

    expect(plan.output).toContain("Not planned: the app looks the database up");
    expect(plan.code).toBe(0);
  });

  test("destroy keeps it while it has files, and says what to do", async () => {
    const name = `shop-media-${stateId()}`;
    project.change(({ objects }) => {
      objects[`${name}/photo.jpg`] = "photo";
    });
    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.output).toContain(`(${name}): BucketNotEmpty`);
    expect(destroy.output).toContain("A bucket with files in it is not deleted. Delete them");
    expect(destroy.output).not.toContain("deletes a network");
    expect(destroy.code).toBe(1);
    expect(project.cloud().objects).toEqual({ [`${name}/photo.jpg`]: "photo" });
  });

  test("destroy deletes it once it is empty", async () => {
    project.change((cloud) => {
      cloud.objects = {};
    });
    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.code, destroy.output).toBe(0);
    expect(project.cloud().others[BUCKET]).toEqual({});
  });

  test("a bucket that a killed deploy has made is taken over", async () => {
    const name = `shop-media-${stateId()}`;
    project.change(({ others }) => {
      others[BUCKET] = { [name]: { id: name, bucket: name, folder_id: FOLDER_ID } };
    });
    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain(`took over bucket ${name}`);
    expect(deploy.code, deploy.output).toBe(0);
  });
});

describeTerraform("a bucket whose name somebody else has", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject(
      'media: { bucket: "uploads" }, stages: { production: { media: false } },',
    );
  });
  afterAll(() => project.close());

  test("ends the deploy before the app, with the reason", async () => {
    project.change((cloud) => {
      cloud.buckets = ["uploads"];
    });
    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("The requested bucket name is not available.");
    expect(deploy.output).not.toContain("✔ App");
    expect(deploy.code).toBe(1);
  });
});
