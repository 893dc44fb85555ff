import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const MEMBER = "yandex_resourcemanager_folder_iam_member";
const INVOKER = "serverless-containers.containerInvoker";
const PULLER = "container-registry.images.puller";

type Bodies = Record<string, Record<string, unknown>>;

// A stack as versions before this one applied it: every right on the folder, a wait in each.
describeTerraform("a stack whose rights lay on the folder", () => {
  let project: Project;
  let log: string[];

  beforeAll(async () => {
    project = await newProject();
    expect(await project.npm("deploy")).toMatchObject({ code: 0 });
    const file = join(project.dir, "cdktf.out/stacks/app/cdk.tf.json");
    writeFileSync(file, JSON.stringify(asBefore(JSON.parse(readFileSync(file, "utf8")))));
    const apply = ["-chdir=cdktf.out/stacks/app", "apply", "-auto-approve", "-no-color"];
    const before = await project.run("terraform", apply, { YC_TOKEN: "t1.stand-in.token" });
    expect(before.code, before.output).toBe(0);
    expect(rolesOn("folder")).toEqual(
      expect.arrayContaining([INVOKER, INVOKER, PULLER, "ydb.editor"]),
    );
    project.change((cloud) => {
      cloud.log = [];
    });
    const deploy = await project.npm("deploy");
    expect(deploy.code, deploy.output).toBe(0);
    ({ log } = project.cloud());
  });
  afterAll(() => project.close());

  const rolesOn = (kind: string) =>
    project
      .cloud()
      .grants.filter(({ target }) => target.startsWith(`${kind}:`))
      .map(({ role }) => role)
      .sort();

  test("gets them on the things themselves", () => {
    expect(rolesOn("folder")).toEqual(["ymq.admin", "ymq.reader", "ymq.writer"]);
    expect(rolesOn("container")).toEqual([INVOKER, INVOKER]);
    expect(rolesOn("registry")).toEqual([PULLER]);
    expect(rolesOn("database")).toEqual(["ydb.editor"]);
  });

  test("loses none on the way: an old one goes after the new ones are given and waited for", () => {
    const given = log.map((line, index) => (/create .*_iam_binding/.test(line) ? index : -1));
    const taken = log.map((line, index) => (line.includes(`delete ${MEMBER}`) ? index : Infinity));

    expect(given.filter((index) => index >= 0)).toHaveLength(4);
    expect(taken.filter((index) => index < Infinity)).toHaveLength(4);
    const waited = log.indexOf("sleep 20");
    expect(waited).toBeGreaterThan(log.findIndex((line) => /registry_iam_binding/.test(line)));
    expect(waited).toBeGreaterThan(log.findIndex((line) => /ydb_database_iam_binding/.test(line)));
    expect(waited).toBeLessThan(Math.min(...taken));
    expect(log.filter((line) => line.includes(`create ${MEMBER}`))).toEqual([]);
  });

  test("has nothing left to do after that", async () => {
    expect((await project.npm("plan")).output.match(/No changes\./g)).toHaveLength(2);
  });
});

interface Stack {
  resource: Record<string, Bodies>;
  readonly data: Record<string, unknown>;
}

function asBefore(stack: Stack): Stack {
  const members = stack.resource[MEMBER] ?? {};
  const accounts = stack.resource.yandex_iam_service_account ?? {};
  const owner = (role: string, account: string): [string, Record<string, unknown>] => {
    const id = Object.keys(accounts).find((key) => key.includes(account));
    const reference = `yandex_iam_service_account.${id}`;
    const body = {
      folder_id: `\${${reference}.folder_id}`,
      role,
      member: `serviceAccount:\${${reference}.id}`,
    };
    return [`Before_${account}_${role.replaceAll(/[-.]/g, "")}`, body];
  };
  const old = Object.fromEntries([
    ...Object.entries(members).filter(([, { count }]) => count === undefined),
    owner(PULLER, "Celery_Account"),
    owner(INVOKER, "GatewayAccount"),
    owner(INVOKER, "TriggerAccount"),
    owner("ydb.editor", "Celery_Account"),
  ]);
  const kept = Object.entries(stack.resource).filter(([type]) => !/_iam_binding$/.test(type));
  const { terraform_data: _, ...resource } = Object.fromEntries(kept);
  const grants = Object.keys(old).map((id) => `${MEMBER}.${id}`);
  for (const bodies of Object.values(resource)) {
    for (const body of Object.values(bodies)) if (body.depends_on) body.depends_on = grants;
  }
  resource[MEMBER] = Object.fromEntries(
    Object.entries(old).map(([id, body]) => [id, { ...body, lifecycle: {}, sleep_after: 20 }]),
  );
  return { ...stack, resource };
}
