/**
 * Terraform against the stand-in cloud. In a test:
 *
 *     const cloud = newCloud();                      // a temporary cloud directory
 *     const dir = newStack({ "main.tf.json": … });   // a temporary directory with these files
 *     describeTerraform("…", () => {                 // skipped where there is no terraform
 *       it("…", async () => {
 *         const apply = await terraform(dir, cloud, ["apply", "-auto-approve"]);
 *         expect(apply).toMatchObject({ code: 0 });  // also: stdout, stderr, output (both)
 *         changeCloud((it) => { it.certificates[id].status = "ISSUED"; }, cloud);
 *       });
 *     });
 *
 * `terraform` runs `init` by itself where it is missing. Who starts terraform through another
 * process passes `terraformEnv(cloud)` on. `CLOUD_HTTP` in `extra` puts queues and the Document API
 * on the stand-in HTTP server.
 *
 * A right is honoured 20 s after it was given, or from the next run of terraform on: `sleep_after`,
 * a provisioner's `sleep 20` (a stand-in, which takes no time) and `elapse(cloud)` let time pass. Images count once they are in `cloud.images`; a DNS zone of
 * the user's own goes into `cloud.others.yandex_dns_zone` by id, with its `name` and `zone`.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe } from "vitest";
import { LATE } from "./provider/configure.ts";
import { hostProviders, installProvider } from "./provider/install.ts";
import { changeCloud } from "./state.ts";
import { installTools } from "./tools.ts";

/** The folder and the cloud that the provider works in. */
export const FOLDER_ID = "b1gfolder00000000001";
export const CLOUD_ID = "b1gcloud000000000001";

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in no certain order between them. */
  readonly output: string;
}

/** The terraform (or OpenTofu) to run. */
export function terraformBinary(): string {
  return process.env.TERRAFORM_BINARY_NAME ?? "terraform";
}

/** Whether tests that need terraform can run. */
export function hasTerraform(): boolean {
  return spawnSync(terraformBinary(), ["version"], { stdio: "ignore" }).status === 0;
}

/** A `describe` that is skipped, with one line to say so, on a machine without terraform; never in CI. */
export function describeTerraform(title: string, body: () => void): void {
  const present = hasTerraform();
  if (!present && process.env.CI)
    throw new Error(`${terraformBinary()} is missing, and this is CI.`);
  if (!present)
    sayOnce(`${terraformBinary()} is not installed: the tests that need it are skipped.`);
  describe.skipIf(!present)(title, body);
}

/** Runs terraform in a directory, after `init` where that is due. */
export async function terraform(
  dir: string,
  cloudDir: string,
  args: readonly string[],
  extra: NodeJS.ProcessEnv = {},
): Promise<Run> {
  const env = { ...terraformEnv(cloudDir), ...extra };
  if (!existsSync(join(dir, ".terraform")) && args[0] !== "init") {
    const init = await run(dir, ["init", "-input=false"], env);
    if (init.code !== 0) return init;
  }
  return run(dir, args, env);
}

/** `terraform apply` without a question. */
export function apply(dir: string, cloudDir: string, args: readonly string[] = []): Promise<Run> {
  return terraform(dir, cloudDir, ["apply", "-auto-approve", "-input=false", ...args]);
}

/** `terraform plan`: exit code 0 for no changes, 2 for some, 1 for an error. */
export function plan(dir: string, cloudDir: string, args: readonly string[] = []): Promise<Run> {
  return terraform(dir, cloudDir, ["plan", "-detailed-exitcode", "-input=false", ...args]);
}

/** Environment in which terraform finds the stand-in provider and nothing else. */
export function terraformEnv(cloudDir: string): NodeJS.ProcessEnv {
  const { AWS_CA_BUNDLE: _bundle, ...inherited } = process.env;
  const clean = Object.entries(inherited).filter(([name]) => !/^(TF_|YC_|CLOUD_)/.test(name));
  return {
    ...Object.fromEntries(clean),
    PATH: `${installClock()}${delimiter}${process.env.PATH}`,
    TF_CLI_CONFIG_FILE: installProvider(),
    TF_DISABLE_PLUGIN_TLS: "1",
    TF_IN_AUTOMATION: "1",
    CHECKPOINT_DISABLE: "1",
    CLOUD_DIR: cloudDir,
    CLOUD_PROVIDERS: hostProviders(),
    PASS_ENV: "CLOUD_DIR,CLOUD_HTTP,CLOUD_PROVIDERS",
    YC_FOLDER_ID: FOLDER_ID,
    YC_CLOUD_ID: CLOUD_ID,
    YC_TOKEN: "t1.stand-in.token",
  };
}

function installClock(): string {
  const dir = join(tmpdir(), "clock");
  installTools(dir, ["sleep"]);
  return dir;
}

/** An empty cloud's directory. It goes away with the test run. */
export function newCloud(): string {
  return mkdtempSync(join(tmpdir(), "cloud-"));
}

/** A directory with these files, objects as JSON. It goes away with the test run. */
export function newStack(files: Record<string, unknown>): string {
  const dir = mkdtempSync(join(tmpdir(), "stack-"));
  writeStack(dir, files);
  return dir;
}

export function writeStack(dir: string, files: Record<string, unknown>): void {
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === "string" ? content : JSON.stringify(content, null, 1);
    writeFileSync(join(dir, name), text);
  }
}

/** Lets the time pass after which every right is honoured. */
export function elapse(cloudDir: string): void {
  changeCloud((cloud) => {
    cloud.tick += LATE;
  }, cloudDir);
}

function run(dir: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> {
  const [command = "", ...rest] = args;
  const child = spawn(terraformBinary(), [`-chdir=${dir}`, command, "-no-color", ...rest], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, output] = [[], [], []] as string[][];
  child.stdout.on("data", (chunk) => [stdout, output].map((it) => it?.push(String(chunk))));
  child.stderr.on("data", (chunk) => [stderr, output].map((it) => it?.push(String(chunk))));
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => {
      const [out = "", err = "", both = ""] = [stdout, stderr, output].map((it) => it?.join(""));
      done({ code: code ?? 1, stdout: out, stderr: err, output: both });
    });
  });
}

// Test files run in processes of their own, but share a scratch directory: the first speaks for all.
function sayOnce(line: string): void {
  try {
    mkdirSync(join(tmpdir(), "terraform-is-missing"));
  } catch {
    return;
  }
  process.stderr.write(`${line}\n`);
}
