import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeTerraform } from "../cloud/terraform.ts";
import { iamToken } from "../cloud/views.ts";
import { cloudShape } from "../support/cloud-shape.ts";
import { type Answer, newProject, type Project } from "../support/project.ts";
import { ROOT } from "../support/sources.ts";

const MODULES = join(ROOT, "node_modules");
const CDKTF = join(MODULES, ".bin", "cdktf");

const usable = isUsable();
if (!usable) {
  const [major] = process.versions.node.split(".");
  const line = `cdktf-cli does not run on Node ${process.versions.node}: its tests are skipped.`;
  if (process.env.CI && major === "20") throw new Error(line);
  process.stderr.write(`${line}\n`);
}

describe.skipIf(!usable)("the framework's own CLI", () => {
  describeTerraform("with the committed cdktf.json", () => {
    let project: Project;

    beforeAll(async () => {
      project = await newProject();
    });
    afterAll(() => project.close());

    test("synth writes what `npm run synth` writes", async () => {
      const byNpm = await project.npm("synth");
      const before = stackText(project);

      const synth = await cdktf(project, "synth");

      expect([byNpm.code, synth.code]).toEqual([0, 0]);
      expect(stackText(project)).toBe(before);
    });

    test("deploy of the app without an image says how to get one, and asks nothing", async () => {
      const deploy = await cdktf(project, "deploy", "app", "--auto-approve");

      expect(deploy.output).toContain("Stack app has no image yet: run `npm run image`");
      expect(deploy.code).not.toBe(0);
      expect(project.cloud().accounts).toEqual({});
    });

    test("deploy of the registry, then `npm run image`", async () => {
      const deploy = await cdktf(project, "deploy", "registry", "--auto-approve");
      const image = await project.npm("image");

      expect(deploy.code).toBe(0);
      expect(image.output).toMatch(/@sha256:[0-9a-f]{64} \(built and pushed\)/);
      expect(image.code).toBe(0);
    });

    test("deploy of the app fails when the first revision does not start", async () => {
      project.change((cloud) => {
        cloud.faults.revisions = true;
      });

      const deploy = await cdktf(project, "deploy", "app", "--auto-approve");
      project.change((cloud) => {
        cloud.faults.revisions = false;
      });

      // Not what it said: the CLI loses the last of it on a busy machine.
      expect(deploy.code).not.toBe(0);
    });

    test("the next one recovers, finds the image, and says what remains", async () => {
      const deploy = await cdktf(project, "deploy", "app", "--auto-approve");

      expect(deploy.code).toBe(0);
      for (const step of ["npm run table", "npm run trigger", "npm run verify"]) {
        expect(deploy.output).toContain(step);
      }
      const [image] = project.cloud().images;
      const { revisions = [] } = Object.values(project.cloud().containers)[0] ?? {};
      expect(revisions.map(({ digest }) => digest)).toEqual([image?.digest]);
    });

    test("the remaining steps make the system whole", async () => {
      const before = await project.npm("verify");
      const answers = [
        await project.npm("table"),
        await project.npm("trigger"),
        await project.npm("verify"),
      ];

      expect(before.code).toBe(1);
      expect(before.output).toMatch(/✖ trigger shop-tasks\s+missing/);
      expect(answers.map(({ code }) => code)).toEqual([0, 0, 0]);
    });

    test("diff shows no changes then", async () => {
      const diff = await cdktf(project, "diff", "app");

      expect(diff.output).toContain("No changes.");
      expect(diff.code).toBe(0);
    });

    test("`npm run deploy` goes on from there without a change", async () => {
      const before = cloudShape(project.cloud());

      const deploy = await project.npm("deploy");

      expect(deploy.output).toMatch(/Registry: no change[\s\S]*App: no change/);
      expect(deploy.code).toBe(0);
      expect(cloudShape(project.cloud())).toEqual(before);
    });

    test("destroy leaves nothing, although the registry held images", async () => {
      expect(project.cloud().images).not.toEqual([]);

      const answers = [
        await project.npm("trigger", ["--delete"]),
        await cdktf(project, "destroy", "app", "--auto-approve"),
        await cdktf(project, "destroy", "registry", "--auto-approve"),
      ];

      expect(answers.map(({ code }) => code)).toEqual([0, 0, 0]);
      const empty = await newProject();
      expect(cloudShape(project.cloud())).toEqual(cloudShape(empty.cloud()));
      await empty.close();
    });
  });
});

describe.skipIf(!usable)("the framework's own CLI", () => {
  describeTerraform("with a release step", () => {
    let project: Project;
    const steps = () => project.cloud().log.filter((line) => /^(revision|manage) /.test(line));

    beforeAll(async () => {
      project = await newProject(`release: "migrate --noinput",`);
    });
    afterAll(() => project.close());

    test("deploy runs it before site and worker exist", async () => {
      const answers = [
        await cdktf(project, "deploy", "registry", "--auto-approve"),
        await project.npm("image"),
        await cdktf(project, "deploy", "app", "--auto-approve"),
      ];

      expect(
        answers.map(({ code }) => code),
        answers.at(-1)?.output,
      ).toEqual([0, 0, 0]);
      const names = steps().map((line) => line.replace(/ sha256:\w+/, ""));
      expect(names.slice(0, 2)).toEqual(["revision shop-manage", "manage migrate --noinput"]);
      expect(names.slice(2).sort()).toEqual(["revision shop-web", "revision shop-worker"]);
    });

    test("deploy of a new image ends where it fails, and finishes when it does not", async () => {
      project.write("site/version.py", "1\n");
      project.change((cloud) => {
        cloud.commands = { "migrate --noinput": { exitCode: 1, output: "broken\n" } };
        cloud.log = [];
      });
      await project.npm("image");
      const failed = await cdktf(project, "deploy", "app", "--auto-approve");
      const between = steps().map((line) => line.split(" ")[1]);
      project.change((cloud) => {
        cloud.commands = {};
      });
      const deploy = await cdktf(project, "deploy", "app", "--auto-approve");

      expect([failed.code !== 0, deploy.code]).toEqual([true, 0]);
      expect(between).toEqual(["shop-manage", project.cloud().images.at(-1)?.digest]);
      const digest = project.cloud().images.at(-1)?.digest;
      expect(steps().slice(-2).sort()).toEqual([
        `revision shop-web ${digest}`,
        `revision shop-worker ${digest}`,
      ]);
    });
  });
});

describeTerraform("the provider mirror", () => {
  // Nothing listens there, so an error names the host that terraform wanted.
  const OFFLINE = { HTTPS_PROXY: "http://127.0.0.1:1", https_proxy: "http://127.0.0.1:1" };
  const MIRROR = "https://terraform-mirror.yandexcloud.net/";
  let project: Project;

  beforeAll(async () => {
    project = await newProject();
    await project.npm("synth");
  });
  afterAll(() => project.close());

  const withMirror = (command: string) =>
    project.run("sh", ["-c", `. ./mirror.env && ${command}`], OFFLINE);

  test("is where the commands' terraform looks", async () => {
    const plan = await withMirror("npm run --silent plan");

    expect(oneLine(plan)).toContain(`failed to query provider mirror ${MIRROR}`);
    expect(plan.code).toBe(1);
  });

  test("is where the lock step of `cdktf deploy` looks, which heeds no configuration", async () => {
    const lock = "terraform -chdir=cdktf.out/stacks/app providers lock -no-color";
    const alone = await project.run("sh", ["-c", lock], {
      ...OFFLINE,
      TF_CLI_CONFIG_FILE: join(project.dir, "mirror.tfrc"),
    });
    const sourced = await withMirror(lock);

    expect(oneLine(alone)).toContain("https://registry.terraform.io");
    expect(oneLine(sourced)).toContain(`failed to query provider mirror ${MIRROR}`);
  });
});

/** Whether the CLI runs on this Node: it may be missing, or installed and broken. */
function isUsable(): boolean {
  const dir = mkdtempSync(join(tmpdir(), "trivial-"));
  symlinkSync(MODULES, join(dir, "node_modules"));
  const app = `const { App, TerraformStack } = require("cdktf");
const app = new App();
new TerraformStack(app, "trivial");
app.synth();`;
  const settings = { language: "typescript", app: "node app.cjs", projectId: "trivial" };
  writeFileSync(join(dir, "app.cjs"), app);
  writeFileSync(
    join(dir, "cdktf.json"),
    JSON.stringify({ ...settings, sendCrashReports: "false" }),
  );
  return spawnSync(CDKTF, ["synth"], { cwd: dir, stdio: "ignore" }).status === 0;
}

// The lock step heeds no mirror, the stand-in's neither, unless it is told on its command line.
async function cdktf(project: Project, ...args: string[]): Promise<Answer> {
  const mirror = join(dirname(String(project.env.TF_CLI_CONFIG_FILE)), "mirror");
  const answer = await project.run(CDKTF, args, {
    YC_TOKEN: iamToken("userAccount:ajeuser0000000000001"),
    TF_CLI_ARGS_providers_lock: `-fs-mirror=${mirror}`,
  });
  return { ...answer, output: stripVTControlCharacters(answer.output) };
}

function stackText(project: Project): string {
  return ["registry", "app"]
    .map((id) => readFileSync(join(project.dir, `cdktf.out/stacks/${id}/cdk.tf.json`), "utf8"))
    .join("\n");
}

function oneLine({ output }: Answer): string {
  return stripVTControlCharacters(output).replace(/[\s│]+/g, " ");
}
