import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeTerraform, elapse } from "../cloud/terraform.ts";
import { iamToken } from "../cloud/views.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { newProject, type Project } from "../support/project.ts";

const RELEASE = `release: "migrate --noinput",`;
const MIGRATE = "migrate --noinput";
const BROKEN = "Traceback\ndjango.db.utils.ProgrammingError: no such column\n";

/** Revisions that were made and commands that were run since `log` was emptied. */
const steps = ({ cloud }: Project) =>
  cloud().log.filter((line) => /^(revision|manage) /.test(line));

/** The digest that each container runs, by its name. */
const running = ({ cloud }: Project) =>
  Object.fromEntries(
    Object.values(cloud().containers).map(({ name, revisions }) => [
      name,
      revisions.find(({ status }) => status === "ACTIVE")?.digest,
    ]),
  );

const newest = ({ cloud }: Project) => cloud().images.at(-1)?.digest;

const emptyLog = ({ change }: Project) =>
  change((cloud) => {
    cloud.log = [];
  });

/** A change of the sources, and so another image. */
let versions = 0;
const edit = ({ write }: Project) => {
  versions += 1;
  write("site/version.py", `${versions}\n`);
};

const all = (digest: string | undefined) => ({
  "shop-manage": digest,
  "shop-web": digest,
  "shop-worker": digest,
});

const inOrder = (digest: string | undefined) => [
  `revision shop-manage ${digest}`,
  `manage ${digest} ${MIGRATE}`,
  ...["web", "worker"].map((role) => `revision shop-${role} ${digest}`),
];

/** The two that may come in either order come last. */
const sortLast = (lines: string[]) => [...lines.slice(0, 2), ...lines.slice(2).sort()];

describeTerraform("a stage with a release step", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject(RELEASE);
    await project.npm("deploy");
  });
  afterAll(() => project.close());

  test("an unchanged deploy does not run it, and a plan is empty", async () => {
    emptyLog(project);

    const deploy = await project.npm("deploy");
    const plan = await project.npm("plan");

    expect(deploy.output).toContain("App: no change");
    expect(deploy.code).toBe(0);
    expect(plan.output.match(/No changes\./g)).toHaveLength(2);
    expect(steps(project)).toEqual([]);
  });

  test("a changed source: the commands' container, the command, then site and worker", async () => {
    edit(project);
    emptyLog(project);

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    const digest = newest(project);
    expect(sortLast(steps(project))).toEqual(inOrder(digest));
    expect(running(project)).toEqual(all(digest));
  });

  test("a change of a variable alone runs it too, since its container has another revision", async () => {
    project.configure(`${RELEASE} env: { COLOUR: "red" },`);
    emptyLog(project);

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect(sortLast(steps(project))).toEqual(inOrder(newest(project)));
  });

  test("a command that fails ends the deploy with its output; what ran before goes on", async () => {
    const before = newest(project);
    edit(project);
    project.change((cloud) => {
      cloud.commands = { [MIGRATE]: { exitCode: 1, output: BROKEN } };
    });

    const deploy = await project.npm("deploy");
    const after = newest(project);

    expect(deploy.code).toBe(1);
    expect(deploy.stderr).toContain("django.db.utils.ProgrammingError: no such column");
    expect(deploy.stderr).toContain(
      "`manage.py migrate --noinput` failed (exit code 1). Site and worker stay as they were. Fix it and deploy again.",
    );
    expect(after).not.toBe(before);
    expect(running(project)).toEqual({ ...all(before), "shop-manage": after });
  });

  test("the same image again runs it again, and so does a plain apply", async () => {
    emptyLog(project);

    const deploy = await project.npm("deploy");
    const apply = await plainApply(project);

    expect([deploy.code, apply.code]).toEqual([1, 1]);
    expect(steps(project)).toEqual(Array(2).fill(`manage ${newest(project)} ${MIGRATE}`));
  });

  test("once it succeeds site and worker get the image", async () => {
    edit(project);
    emptyLog(project);
    project.change((cloud) => {
      cloud.commands = {};
    });

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect(sortLast(steps(project))).toEqual(inOrder(newest(project)));
    expect(running(project)).toEqual(all(newest(project)));
  });

  test("`npm run image` and a plain apply do the same as a deploy", async () => {
    edit(project);
    emptyLog(project);

    const image = await project.npm("image");
    const synth = await project.npm("synth");
    const apply = await plainApply(project);

    expect([image.code, synth.code, apply.code], apply.output).toEqual([0, 0, 0]);
    expect(sortLast(steps(project))).toEqual(inOrder(newest(project)));
    expect((await project.npm("plan")).output.match(/No changes\./g)).toHaveLength(2);
  });

  test("verify says which migrations are missing, and a deploy asks no more than it must", async () => {
    const whole = await project.npm("verify");
    project.change((cloud) => {
      const output = "Planned operations:\nshop.0002_orders\n    Create model Order\n";
      cloud.commands = { "migrate --check --plan": { exitCode: 1, output } };
    });

    const verify = await project.npm("verify");

    expect(whole.output).toMatch(/✔ migrations +none is missing/);
    expect(verify.output).toMatch(/✖ migrations +missing: shop\.0002_orders/);
    expect([whole.code, verify.code]).toEqual([0, 1]);
  });

  test("another command in config.ts is run once, with the image that is there", async () => {
    project.configure(`release: "migrate --noinput --fake-initial", env: { COLOUR: "red" },`);
    emptyLog(project);

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect(steps(project)).toEqual([`manage ${newest(project)} ${MIGRATE} --fake-initial`]);
  });

  test("whoever deploys next becomes the caller, and the command is not run for that", async () => {
    project.change(({ yc }) => {
      if (yc) yc.userId = "ajebob00000000000001";
    });
    emptyLog(project);

    const before = await project.npm("manage", ["check"]);
    const deploy = await project.npm("deploy");
    elapse(project.cloudDir);
    const after = await project.npm("manage", ["check"]);

    expect([before.code, deploy.code, after.code], deploy.output).toEqual([1, 0, 0]);
    expect(steps(project)).toEqual([`manage ${newest(project)} check`]);
  });

  test("without a release step there are commands all the same", async () => {
    project.configure(`manage: {}, env: { COLOUR: "red" },`);
    edit(project);
    emptyLog(project);

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect(steps(project).filter((line) => line.startsWith("manage"))).toEqual([]);
    expect((await project.npm("manage", ["check"])).code).toBe(0);
  });

  test("without either the stage has no container for them", async () => {
    project.configure("");

    const deploy = await project.npm("deploy");
    const manage = await project.npm("manage", ["check"]);

    expect(deploy.code, deploy.output).toBe(0);
    expect(Object.keys(running(project)).sort()).toEqual(["shop-web", "shop-worker"]);
    expect(manage.stderr).toContain("This stage has no container for commands.");
  });

  test("destroy leaves nothing", async () => {
    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.output).toContain("Nothing is left.");
    expect(destroy.code).toBe(0);
  });
});

describeTerraform("the first deploy of all", () => {
  const projects: Project[] = [];
  const start = async (config = RELEASE) => {
    const project = await newProject(config);
    projects.push(project);
    return project;
  };
  afterAll(async () => {
    for (const project of projects) await project.close();
  });

  test("with a command that fails makes neither site nor worker, and the next one goes on", async () => {
    const project = await start();
    project.change((cloud) => {
      cloud.commands = { [MIGRATE]: { exitCode: 1, output: BROKEN } };
    });

    const failed = await project.npm("deploy");
    const between = running(project);
    project.change((cloud) => {
      cloud.commands = {};
    });
    const deploy = await project.npm("deploy");

    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain("no such column");
    expect(Object.keys(between)).toEqual(["shop-manage"]);
    expect(deploy.code, deploy.output).toBe(0);
    expect(running(project)).toEqual(all(newest(project)));
  });

  test("waits for a right that comes late", async () => {
    const project = await start();
    project.change(({ faults }) => {
      faults.lateInvokers = 2;
    });

    const deploy = await project.npm("deploy");

    expect(deploy.code, deploy.output).toBe(0);
    expect(sortLast(steps(project))).toEqual(inOrder(newest(project)));
  });

  test("by a pipeline, with a token alone, runs it as the pipeline's account", async () => {
    const project = await start();
    project.change((cloud) => {
      cloud.yc = undefined;
    });
    const account = { YC_TOKEN: iamToken("serviceAccount:ajeci"), YC_SERVICE_ACCOUNT_ID: "ajeci" };

    const unknown = await project.npm("deploy", [], { YC_TOKEN: account.YC_TOKEN, CI: "true" });
    const deploy = await project.npm("deploy", [], { ...account, CI: "true" });
    const manage = await project.npm("manage", ["check"], account);

    expect(unknown.stderr).toContain("YC_TOKEN does not tell whose it is.");
    expect(deploy.code, deploy.output).toBe(0);
    expect(manage.code, manage.output).toBe(0);
    expect(project.cloud().log.filter((line) => line.startsWith("yc "))).toEqual([]);
  });

  test("of a stage with a PostgreSQL migrates by itself", async () => {
    const project = await start("postgres: {},");

    const deploy = await project.npm("deploy");
    const again = await project.npm("deploy");

    expect([deploy.code, again.code], deploy.output).toEqual([0, 0]);
    expect(sortLast(steps(project))).toEqual(inOrder(newest(project)));
    expect(again.output).toMatch(/Data: no change[\s\S]*App: no change/);
  });
});

// What Terraform says of each step. A kill comes a moment later: anywhere in the next one.
const PLACES = [
  ...["Celery_ManageAccount_\\w+: Creation complete", "Celery_Manage_\\w+: Creation complete"],
  ...["Celery_Manage_Invokers_\\w+: Creation complete", "Celery_Release_\\w+: Creating"],
  ...["Celery_Release_\\w+: Creation complete", "Celery_Web_\\w+: Creation complete"],
];
const LATER_PLACES = [
  ...["Celery_Manage_\\w+: Modifying", "Celery_Manage_\\w+: Modifications complete"],
  ...["Celery_Release_\\w+: Creating", "Celery_Release_\\w+: Creation complete"],
  ...["Celery_Web_\\w+: Modifications complete"],
];

describeTerraform("a deploy that is killed, with all its processes,", () => {
  const projects: Project[] = [];
  const start = async () => {
    const project = await newProject(RELEASE);
    projects.push(project);
    return project;
  };
  let whole: unknown;

  beforeAll(async () => {
    const project = await start();
    await project.npm("deploy");
    whole = cloudShape(project.cloud());
  });
  afterAll(async () => {
    for (const project of projects) await project.close();
  });

  test.each(PLACES)("for the first time, after '%s', is finished by the next", async (place) => {
    const project = await start();

    const killed = await project.killAllAt(new RegExp(place), "deploy", ["--verbose"]);
    const second = await project.npm("deploy");

    expect(killed.code).toBe(-1);
    expect(second.code, second.output).toBe(0);
    expect(cloudShape(project.cloud())).toEqual(whole);
    expectOrder(project);
    await expectNoChange(project);
  });

  test.each(LATER_PLACES)("later, after '%s', is finished by the next", async (place) => {
    const project = await start();
    await project.npm("deploy");
    edit(project);
    emptyLog(project);

    const killed = await project.killAllAt(new RegExp(place), "deploy", ["--verbose"]);
    const second = await project.npm("deploy");

    expect(killed.code).toBe(-1);
    expect(second.code, second.output).toBe(0);
    expect(running(project)).toEqual(all(newest(project)));
    expectOrder(project);
    await expectNoChange(project);
  });

  test("while the command runs, runs it again", async () => {
    const project = await start();
    await project.npm("deploy");
    edit(project);
    emptyLog(project);
    project.change(({ faults }) => {
      faults.commands = "hang";
    });

    const killed = await project.killAllAt(/npm --prefix \S+ run/, "deploy", ["--verbose"]);
    project.change(({ faults }) => {
      faults.commands = undefined;
    });
    const second = await project.npm("deploy");

    expect(killed.code).toBe(-1);
    expect(second.code, second.output).toBe(0);
    expect(running(project)).toEqual(all(newest(project)));
    expectOrder(project);
    await expectNoChange(project);
  });

  /** However often each was done: neither site nor worker has an image before its command has run. */
  function expectOrder(project: Project): void {
    const digest = newest(project);
    const done = steps(project);
    const ran = done.indexOf(`manage ${digest} ${MIGRATE}`);
    expect(ran).toBeGreaterThan(done.indexOf(`revision shop-manage ${digest}`));
    for (const role of ["web", "worker"]) {
      expect(done.indexOf(`revision shop-${role} ${digest}`)).toBeGreaterThan(ran);
    }
  }

  async function expectNoChange(project: Project): Promise<void> {
    emptyLog(project);
    const third = await project.npm("deploy");
    expect(third.output).toContain("App: no change");
    expect(steps(project)).toEqual([]);
  }
});

describeTerraform("npm run manage", () => {
  let project: Project;

  beforeAll(async () => {
    project = await newProject("manage: {},");
    await project.npm("deploy");
  });
  afterAll(() => project.close());

  test("runs in the stage that is asked for", async () => {
    const { stderr } = await project.npm("manage", ["--stage", "production", "check"]);

    expect(stderr).toBe("Nothing is deployed in this stage. Run `npm run deploy` first.\n");
  });

  test("a flag that npm took would make it another command", async () => {
    emptyLog(project);

    const manage = await project.run("npm", ["run", "--silent", "manage", "migrate", "--check"]);

    expect(manage).toMatchObject({
      ...{ code: 2, stdout: "" },
      stderr: "npm took --check for itself. Write `npm run manage -- migrate --check`.\n",
    });
    expect(project.cloud().log).toEqual([]);
  });

  test.each([
    [[], "No command is given."],
    [["shell"], "Write `npm run manage -- shell -c"],
  ])("%j is refused before anything is asked", async (words, message) => {
    emptyLog(project);

    const manage = await project.npm("manage", words);

    expect(manage).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
    expect(project.cloud().log).toEqual([]);
  });

  test("one that is out of time is told, with where its output is", async () => {
    project.change(({ faults }) => {
      faults.commands = "timeout";
    });

    const manage = await project.npm("manage", ["check"]);

    expect(manage.code).toBe(1);
    expect(manage.stderr).toBe(
      "The command was out of time (504). Raise 'manage.timeoutSeconds' in config.ts, up to 3600. Its output goes to the stage's log: `npm run logs -- --container manage --follow`.\n",
    );
  });

  test("Ctrl-C ends the waiting, and says that the command goes on", async () => {
    project.change(({ faults }) => {
      faults.commands = "hang";
    });
    emptyLog(project);
    const child = spawn(process.execPath, ["run.mjs", "scripts/manage.ts", "check"], {
      ...{ cwd: project.dir, env: project.env, stdio: ["ignore", "ignore", "pipe"] },
    });
    let stderr = "";
    child.stderr?.on("data", (text) => {
      stderr += text;
    });
    const ended = new Promise((done) => child.on("close", done));

    await expect
      .poll(() => steps(project), { timeout: 60_000 })
      .toEqual([expect.stringMatching(/^manage .* check$/)]);
    child.kill("SIGINT");

    expect(await ended).toBe(130);
    expect(stderr).toBe(
      "Not waited for any longer; the command goes on. Its output goes to the stage's log: `npm run logs -- --container manage --follow`.\n",
    );
  });
});

// What anybody can run after `npm run synth`, with a token of whoever made the image.
function plainApply(project: Project) {
  const apply = ["-chdir=cdktf.out/stacks/app", "apply", "-auto-approve", "-input=false"];
  const { yc } = project.cloud();
  return project.run("terraform", apply, {
    YC_TOKEN: iamToken(`userAccount:${yc?.userId ?? "ajeuser0000000000001"}`),
  });
}
