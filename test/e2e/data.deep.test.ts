import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

describeTerraform("a stage with a PostgreSQL", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject("postgres: {}, release: false,");
  });
  afterAll(() => project.close());

  const state = (kind: string) =>
    readFileSync(join(project.dir, ".state", "default", `${kind}.tfstate`), "utf8");

  test("plan, before anything exists, says that the app waits for the database", async () => {
    const plan = await project.npm("plan");

    expect(plan.output).toContain("yandex_mdb_postgresql_cluster");
    expect(plan.output).toContain("Not planned: the app looks the registry up");
    expect(plan.code).toBe(0);
  });

  test("deploy makes the database first, and tells the containers of it", async () => {
    const deploy = await project.npm("deploy");

    expect(deploy.output).toMatch(/Data: \d+ added[\s\S]*App: \d+ added/);
    expect(deploy.code, deploy.output).toBe(0);
    const { containers } = project.cloud();
    const byName = Object.values(containers).map(({ name, revisions }) => [
      name,
      revisions.at(-1)?.environment.DATABASE_URL,
    ]);
    const url = expect.stringMatching(
      /^postgresql:\/\/shop@c-c9q\w+\.rw\.mdb\.yandexcloud\.net:6432\/shop$/,
    );
    expect(Object.fromEntries(byName)).toEqual({
      "shop-manage": url,
      "shop-web": url,
      "shop-worker": url,
    });
  });

  test("the password is in Lockbox and nowhere else", () => {
    const { secrets } = project.cloud();
    const passwords = Object.values(secrets)
      .filter(({ name }) => name.startsWith("connection-"))
      .flatMap(({ versions }) => Object.values(versions))
      .flatMap(({ entries }) => Object.values(entries));

    expect(passwords).toHaveLength(1);
    for (const kind of ["registry", "data", "app"]) {
      expect(state(kind)).not.toContain(passwords[0]);
    }
  });

  test("a second deploy changes nothing, and a plan is empty", async () => {
    const deploy = await project.npm("deploy");
    const plan = await project.npm("plan");

    expect(deploy.output).toMatch(/Data: no change[\s\S]*App: no change/);
    expect(deploy.code).toBe(0);
    expect(plan.output.match(/No changes\./g)).toHaveLength(3);
  });

  test("destroy that cannot delete the network yet says when it can", async () => {
    project.change(({ faults }) => {
      faults.network = true;
    });
    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.output).toContain("run `npm run destroy` again later");
    expect(destroy.code).toBe(1);
    expect(project.cloud().containers).toEqual({});
    expect(project.cloud().registries).toEqual({});
  });

  test("destroy deletes the rest then", async () => {
    project.change(({ faults }) => {
      faults.network = false;
    });
    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.output).toContain("Nothing is left.");
    expect(destroy.code, destroy.output).toBe(0);
    const left = Object.entries(project.cloud().others).filter(
      ([type, things]) => /vpc|mdb/.test(type) && Object.keys(things).length > 0,
    );
    expect(left).toEqual([]);
  });
});
