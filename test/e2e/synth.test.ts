import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { copySources, ROOT } from "../support/sources.ts";

const IMAGE = `{"image": "cr.yandex/crp1/app@sha256:${"1".repeat(64)}"}`;
const NOWHERE = "http://127.0.0.1:1";

/** What two machines may differ in. */
interface Machine {
  readonly folder?: string;
  readonly umask?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly config?: string;
  readonly rememberedImage?: boolean;
}

describe("synth in a fresh clone", () => {
  const plain = machine({});

  test("needs no account, no network, no edit and no terraform", () => {
    expect(plain.run.stderr).toBe("");
    expect(plain.run.stdout).toContain("cdktf.out/stacks/app/cdk.tf.json");
    expect(plain.run.status).toBe(0);
    expect(Object.keys(stacks(plain.dir))).toEqual(["app", "registry"]);
  });

  test("writes the same bytes on another machine, for another user, after a deploy", () => {
    const other = machine({
      folder: "deeper/than that",
      umask: "077",
      env: { TZ: "Asia/Vladivostok", LANG: "ru_RU.UTF-8", LC_ALL: "tr_TR.UTF-8", USER: "else" },
      rememberedImage: true,
    });

    expect(other.run.status).toBe(0);
    expect(stacks(other.dir)).toEqual(stacks(plain.dir));
  });

  test("puts the remembered image beside the stack, and says so where there is none", () => {
    const remembered = machine({ rememberedImage: true });

    const file = join(remembered.dir, "cdktf.out/stacks/app/image.auto.tfvars.json");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(IMAGE));
    expect(remembered.run.stdout).not.toContain("no image");
    expect(plain.run.stdout).toContain("Stack app has no image yet: run `npm run image`");
  });

  test("puts the locked provider and Terraform's version beside each stack, in files of their own", () => {
    for (const stack of ["app", "registry"]) {
      const file = (name: string) =>
        readFileSync(join(plain.dir, "cdktf.out/stacks", stack, name), "utf8");
      expect(file(".terraform.lock.hcl")).toBe(
        readFileSync(join(ROOT, "terraform.lock.hcl"), "utf8"),
      );
      expect(file("versions.tf")).toContain('required_version = ">= 1.5"');
      // Nothing but blocks: checkov reads no other JSON.
      const { terraform } = JSON.parse(file("cdk.tf.json"));
      expect(Object.values(terraform).every((value) => typeof value === "object")).toBe(true);
    }
  });

  test("of a stage gives its stacks the stage's name", () => {
    const production = machine({ env: { STAGE: "production" } });

    expect(Object.keys(stacks(production.dir))).toEqual(["app-production", "registry-production"]);
  });

  test("is refused for all problems of all stacks at once, and writes nothing", () => {
    const refused = machine({
      config: `
        keepNewest: 0,
        web: { memoryMib: 100 },
        worker: { timeoutSeconds: 4000 },
        domain: { fqdn: "https://shop.example.com", dns: "external" },`,
    });

    const problems = refused.run.stderr.split("\n").filter((line) => line.startsWith("  ["));
    expect(problems.map((line) => /\[(\w+)\/.*'(\w+)' is/.exec(line)?.slice(1))).toEqual(
      expect.arrayContaining([
        ["registry", "keepNewest"],
        ["domain", "fqdn"],
        ["app", "memoryMib"],
        ["app", "timeoutSeconds"],
      ]),
    );
    expect(refused.run.status).toBe(1);
    expect(existsSync(join(refused.dir, "cdktf.out/stacks/app/cdk.tf.json"))).toBe(false);
    expect(refused.run.stderr).toContain("add accept: [100,4000] to config.ts. Documented at:");
  });

  test("takes what the cloud takes by now although a list here is older, when told so", () => {
    const accepted = machine({ config: "web: { memoryMib: 16_384 }, accept: [16_384]," });

    expect(accepted.run.status).toBe(0);
    expect(stacks(accepted.dir).app).toContain('"memory": 16384');
  });
});

/** Runs `npm run synth` in a clone, on a machine that has node and npm and nothing else. */
function machine({ folder = "clone", umask = "022", env, config, rememberedImage }: Machine): {
  readonly dir: string;
  readonly run: SpawnSyncReturns<string>;
} {
  const scratch = mkdtempSync(join(tmpdir(), "machine-"));
  const dir = join(scratch, folder);
  copySources(dir);
  symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
  if (config) writeFileSync(join(dir, "config.ts"), configFile(config));
  if (rememberedImage) {
    mkdirSync(join(dir, ".state/default"), { recursive: true });
    writeFileSync(join(dir, ".state/default/image.json"), IMAGE);
  }
  const run = spawnSync("/bin/sh", ["-c", `umask ${umask}; npm run --silent synth`], {
    cwd: dir,
    encoding: "utf8",
    env: {
      PATH: programs(scratch),
      HOME: scratch,
      HTTP_PROXY: NOWHERE,
      HTTPS_PROXY: NOWHERE,
      ...env,
    },
  });
  return { dir, run };
}

function programs(scratch: string): string {
  const bin = join(scratch, "bin");
  mkdirSync(bin);
  for (const name of ["sh", "npm"]) symlinkSync(pathOf(name), join(bin, name));
  symlinkSync(process.execPath, join(bin, "node"));
  return bin;
}

function pathOf(program: string): string {
  const { stdout } = spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" });
  return realpathSync(stdout.trim());
}

function configFile(fields: string): string {
  return `export const config = { project: "shop", celeryApp: "shop.celery:app", ${fields} };\n`;
}

/** Stack name to the text that Terraform reads. */
function stacks(dir: string): Record<string, string> {
  const folder = join(dir, "cdktf.out/stacks");
  const names = readdirSync(folder).sort();
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(folder, name, "cdk.tf.json"), "utf8")]),
  );
}
