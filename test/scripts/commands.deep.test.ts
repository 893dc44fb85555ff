import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeTerraform, FOLDER_ID } from "../cloud/terraform.ts";
import { newProject, type Project } from "../support/project.ts";

const TOKEN = { YC_TOKEN: "t1.stand-in.token" };

let project: Project;

/** Gives the tests of a `describe` a project of their own. */
function useProject(prepare: () => Promise<unknown> | unknown = () => {}, config?: string): void {
  beforeAll(async () => {
    project = await newProject(config);
    await prepare();
  });
  afterAll(() => project.close());
}

function triggerNames(): string[] {
  return Object.values(project.cloud().triggers).map(({ name }) => name);
}

describeTerraform("who makes the triggers", () => {
  useProject(() => project.npm("deploy"));

  test("may change from the script to Terraform without a second trigger", async () => {
    const [before] = Object.keys(project.cloud().triggers);
    project.configure(`trigger: "terraform",`);

    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain(
      "Take over triggers: delete shop-tasks (Terraform creates it from now on)",
    );
    expect(deploy.code).toBe(0);
    expect(triggerNames()).toEqual(["shop-tasks"]);
    expect(Object.keys(project.cloud().triggers)).not.toEqual([before]);
  });

  test("stays with Terraform: another deploy and the script change nothing", async () => {
    const before = project.cloud().triggers;

    const deploy = await project.npm("deploy");
    const trigger = await project.npm("trigger");
    const remove = await project.npm("trigger", ["--delete"]);

    expect(deploy.output).toMatch(/Take over triggers: no change[\s\S]*App: no change/);
    expect(trigger.output).toBe(
      "Terraform creates the triggers ('trigger' in config.ts); nothing to do here\n",
    );
    expect(remove.output).toBe(trigger.output);
    expect(project.cloud().triggers).toEqual(before);
  });

  test("a trigger of Terraform's can be paused, which verify says and deploy respects", async () => {
    await project.npm("trigger", ["--pause"]);
    const verify = await project.npm("verify", ["--json"]);
    const deploy = await project.npm("deploy");
    await project.npm("trigger", ["--resume"]);

    expect(JSON.parse(verify.stdout).filter(({ ok }: { ok: boolean }) => !ok)).toEqual([
      {
        check: "trigger shop-tasks",
        ok: false,
        found: "paused",
        fix: "Run `npm run trigger -- --resume`.",
        minor: true,
      },
    ]);
    expect(verify.code).toBe(1);
    expect(deploy.output).toContain("Note: trigger shop-tasks: paused.");
    expect(deploy.code).toBe(0);
  });

  test("may change back, again without a second trigger", async () => {
    project.configure("");

    const deploy = await project.npm("deploy");

    expect(deploy.output).toContain("Triggers: create shop-tasks (queue, works within 5 minutes)");
    expect(deploy.code).toBe(0);
    expect(triggerNames()).toEqual(["shop-tasks"]);
  });

  test("a trigger that was put on the queue by hand is adopted, not doubled", async () => {
    const [id] = Object.keys(project.cloud().triggers);
    project.change(({ triggers }) => {
      const trigger = triggers[String(id)];
      if (trigger) Object.assign(trigger, { name: "theirs", labels: {} });
    });
    const trigger = await project.npm("trigger");

    expect(trigger.output).toBe("update shop-tasks: name, labels (works within 5 minutes)\n");
    expect(triggerNames()).toEqual(["shop-tasks"]);
  });
});

describeTerraform("a pipeline", () => {
  useProject(() =>
    project.change((cloud) => {
      cloud.yc = undefined;
    }),
  );

  test("deploys with a token alone: yc is never run", async () => {
    const deploy = await project.npm("deploy", [], { ...TOKEN, CI: "true" });

    expect(deploy.code).toBe(0);
    expect(project.cloud().log.filter((line) => line.startsWith("yc "))).toEqual([]);
    expect(triggerNames()).toEqual(["shop-tasks"]);
  });

  test("changes nothing with the second run, and updates what was changed by hand", async () => {
    project.change(({ triggers }) => {
      for (const { rule } of Object.values(triggers)) {
        if (rule.message_queue) rule.message_queue.batch_settings.size = "7";
      }
    });

    const update = await project.npm("trigger", [], TOKEN);
    const again = await project.npm("trigger", [], TOKEN);

    expect(update.output).toBe("update shop-tasks: batchSize (works within 5 minutes)\n");
    expect(again.output).toBe("no change\n");
  });

  test("deploys an image that it was given by digest, without docker", async () => {
    const [image] = project.cloud().images;
    const reference = `cr.yandex/${image?.repository}@${image?.digest}`;
    project.write("site/new.py", "1");
    project.change((cloud) => {
      cloud.faults.docker = "daemon";
    });

    const deploy = await project.npm("deploy", [], { ...TOKEN, TF_VAR_image: reference });

    project.change((cloud) => {
      cloud.faults.docker = undefined;
    });

    expect(deploy.output).toContain(`Image: as given, ${reference}`);
    expect(deploy.code).toBe(0);
    const remembered = join(project.dir, ".state/default/image.json");
    expect(JSON.parse(readFileSync(remembered, "utf8"))).toEqual({ image: reference });
  });

  test("tells an expired token", async () => {
    const deploy = await project.npm("deploy", [], { YC_TOKEN: "expired" });

    expect(deploy.output).toContain("does not accept the token (401)");
    expect(deploy.code).toBe(1);
  });

  test("destroys with a token alone", async () => {
    const destroy = await project.npm("destroy", ["--yes"], TOKEN);

    expect(destroy.code).toBe(0);
    expect(project.cloud().registries).toEqual({});
  });
});

describeTerraform("a domain that was taken out of config.ts", () => {
  useProject(() => project.npm("deploy"), `domain: { fqdn: "shop.example.com", dns: "external" },`);

  test("shows its certificate's record while it is there", async () => {
    const [certificate] = Object.keys(project.cloud().certificates);

    const outputs = await project.npm("outputs");

    expect(outputs.output).toContain(`value: ${certificate}.cm.yandexcloud.net.`);
    expect(outputs.output).not.toMatch(/local:|next_steps:/);
  });

  test("leaves a certificate, which destroy takes along", async () => {
    project.configure("");

    const destroy = await project.npm("destroy", ["--yes"]);

    expect(destroy.output).toContain("Domain: destroyed");
    expect(destroy.output).toContain("Nothing is left.");
    expect(destroy.code).toBe(0);
    expect(project.cloud().certificates).toEqual({});
  });
});

describe("a command line that makes no sense", () => {
  useProject();

  test.each([
    ["--stage=production", "--stage", "--stage production"],
    ["--dry-run", "--dry-run", "--dry-run"],
  ])(
    "deploy %s without `--`: npm keeps the flag, and nothing is done",
    async (flag, name, text) => {
      const deploy = await project.run("npm", ["run", "--silent", "deploy", flag]);

      expect(deploy.code).toBe(2);
      expect(deploy.stderr).toContain(
        `npm took ${name} for itself. Write \`npm run deploy -- ${text}\`.`,
      );
      expect(project.cloud().log).toEqual([]);
    },
  );

  test.each([
    "plan",
    "deploy",
    "manage",
    "image",
    "table",
    "trigger",
    "verify",
    "dead-letters",
    "drain",
    "outputs",
    "costs",
    "logs",
    "history",
    "rollback",
    "tasks",
    "task",
    "open",
    "destroy",
  ])("%s: exit code 2 and where to read on; --help shows it", async (command) => {
    const wrong = await project.npm(command, ["--nonsense"]);
    const help = await project.npm(command, ["--help"]);

    expect(wrong).toMatchObject({
      code: 2,
      stdout: "",
      stderr: `Unknown option '--nonsense'. \`npm run ${command} -- --help\` lists the flags.\n`,
    });
    expect(help.stdout).toMatch(
      new RegExp(`^npm run ${command} -- (\\[[\\w ]+\\] )?\\[flags\\]\n`),
    );
    expect(help.stdout).toContain("--stage <name>");
    expect(help.code).toBe(0);
  });

  test.each([
    [
      "a stage that is not there",
      "deploy",
      ["--stage", "nowhere"],
      1,
      'Stage "nowhere" is not in config.ts (known: production). Add it to \'stages\', e.g. stages: { "nowhere": {} }.\n',
    ],
    [
      "two actions at once",
      "trigger",
      ["--pause", "--delete"],
      2,
      "Give one of --pause, --resume and --delete.\n",
    ],
    [
      "dead letters that nobody has named",
      "dead-letters",
      ["redrive"],
      2,
      "Which dead letters? Give ids, --name <task> or --all. `npm run dead-letters` lists them.\n",
    ],
    [
      "a file and a selection",
      "dead-letters",
      ["redrive", "--from", "letters.jsonl", "--all"],
      2,
      "--from sends all that is in the file: give no ids, --name or --all.\n",
    ],
    [
      "letters for no file",
      "dead-letters",
      ["save"],
      2,
      "Give one file, e.g. `npm run dead-letters -- save letters.jsonl`.\n",
    ],
    [
      "a purge without a terminal",
      "dead-letters",
      ["purge", "--all"],
      1,
      "No terminal to ask for confirmation. Add --yes to delete without asking.\n",
    ],
    [
      "dead letters in a list that is followed",
      "tasks",
      ["--dead", "--follow"],
      2,
      "--dead and --follow exclude each other.\n",
    ],
    [
      "a port that is none",
      "open",
      ["--port", "70000"],
      2,
      '--port takes 0 to 65535, 0 for any (got "70000").\n',
    ],
    [
      "a purge of no registry",
      "image",
      ["--purge"],
      2,
      "Which registry? Give --registry or set REGISTRY_ID.\n",
    ],
  ])("%s is refused", async (_, command, args, code, stderr) => {
    expect(await project.npm(command, args)).toMatchObject({ code, stderr });
  });

  test("nothing deployed: says so", async () => {
    expect((await project.npm("outputs")).stdout).toBe("Nothing is deployed in this stage.\n");
    expect(await project.npm("verify")).toMatchObject({
      code: 1,
      stderr: "Nothing is deployed in this stage. Run `npm run deploy` first.\n",
    });
    expect((await project.npm("image")).stderr).toBe(
      "There is no registry in this stage yet. Run `npm run deploy` first.\n",
    );
  });

  test("two folders: refused before anything", async () => {
    project.configure(`folderId: "b1gother",`);

    const deploy = await project.npm("deploy");

    expect(deploy.stderr).toBe(
      `The folder is b1gother in config.ts but ${FOLDER_ID} in YC_FOLDER_ID. Unset one of them.\n`,
    );
  });
});
