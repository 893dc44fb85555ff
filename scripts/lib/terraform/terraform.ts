import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import * as v from "valibot";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import { stageDirectory } from "../../../stacks/locations.ts";
import { type BackendSettings, stackId } from "../../../stacks/settings.ts";
import { childEnvironment } from "../shell/child-environment.ts";
import { logFile } from "../shell/run-logs.ts";
import { UserError } from "../shell/user-error.ts";
import { type Environment, NOT_FOUND, type RunResult, type World } from "../shell/world.ts";

export type StackKind = "registry" | "domain" | "app";

/** A run that was killed leaves its terraform to finish; the next one waits for it this long. */
const LOCK_TIMEOUT = "-lock-timeout=120s";
/** Exit code of a detailed plan that is not empty. */
const CHANGES = 2;
const SHOWN_ERROR_LINES = 60;
/** Lines of an error that say where it was met. */
const LOCATION = /^[│|]?\s*(with \S+,|on \S+ line \d+.*:|\d+: .*)$/;

const PLATFORMS = ["linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64"];

/** Beside the stack while what it names is to be imported. Last, so that it is read last. */
const IMPORTS = "zz_import.tf.json";

/** Terraform ran and did not succeed. */
export class TerraformFailure extends UserError {}

/** Values of variables; no secrets, since they go on the command line. */
export type Variables = Readonly<Record<string, string>>;

export interface TerraformOptions {
  readonly stage: string | undefined;
  readonly env: Environment;
  /** Is given the output line by line. */
  readonly onLine?: (line: string) => void;
}

/** The stacks of one stage under Terraform (or OpenTofu, by TERRAFORM_BINARY_NAME). */
export class Terraform {
  readonly binary: string;

  private readonly world: World;
  private readonly options: TerraformOptions;
  private readonly inits: Map<StackKind, Promise<void>>;

  constructor(world: World, options: TerraformOptions, inits = new Map()) {
    this.world = world;
    this.options = options;
    this.inits = inits;
    this.binary = terraformBinary(world.env);
  }

  /** The same with another listener. */
  with(onLine: (line: string) => void): Terraform {
    return new Terraform(this.world, { ...this.options, onLine }, this.inits);
  }

  /** Writes the Terraform of all stacks. */
  async synth(): Promise<void> {
    const { stage } = this.options;
    const result = await this.world.run(process.execPath, ["run.mjs", "main.ts"], {
      // config.ts is the user's own code, which may read whatever it likes.
      env: { ...this.world.env, STAGE: stage },
    });
    if (result.exitCode !== 0) throw new UserError(result.stderr.trim() || result.stdout.trim());
  }

  /** Makes a stack's directory ready, once: what was made ready before and is unchanged still is. */
  init(kind: StackKind): Promise<void> {
    const running = this.inits.get(kind) ?? this.initOnce(kind);
    this.inits.set(kind, running);
    return running;
  }

  /** Records what is known of a stack's providers, for every platform that people deploy from. */
  async lockProviders(kind: StackKind): Promise<void> {
    const platforms = PLATFORMS.map((platform) => `-platform=${platform}`);
    await this.captured(kind, ["providers", "lock", "-no-color", ...platforms]);
  }

  /** Where Terraform runs for a stack, from the project's folder. */
  directory(kind: StackKind): string {
    return stackDirectory(this.world.env, kind, this.options.stage);
  }

  /** The plan's text. */
  async plan(kind: StackKind, variables: Variables = {}): Promise<string> {
    const args = ["plan", "-input=false", "-no-color", LOCK_TIMEOUT, ...variableFlags(variables)];
    return (await this.logged(kind, "plan", args)).stdout;
  }

  /** Plans the next apply, keeps the plan for `applyPlanned`, and says whether it changes anything. */
  async planAhead(kind: StackKind): Promise<boolean> {
    const flags = ["-detailed-exitcode", LOCK_TIMEOUT, `-out=${this.planFile(kind)}`];
    const args = ["plan", "-input=false", "-no-color", ...flags];
    return (await this.logged(kind, "plan", args, [0, CHANGES])).exitCode === CHANGES;
  }

  /** Applies what was planned ahead, and gives back what Terraform said. */
  async applyPlanned(kind: StackKind): Promise<string> {
    const args = ["apply", "-input=false", "-no-color", LOCK_TIMEOUT, this.planFile(kind)];
    return (await this.logged(kind, "apply", args)).stdout;
  }

  /** A plan holds what the state holds, so it goes where nobody else can read it. */
  forgetPlan(kind: StackKind): void {
    rmSync(join(this.world.root, this.directory(kind), this.planFile(kind)), { force: true });
  }

  /** Applies a stack, or a part of it and what that needs, and gives back what Terraform said. */
  async apply(
    kind: StackKind,
    variables: Variables = {},
    targets: readonly string[] = [],
  ): Promise<string> {
    const args = ["apply", "-input=false", "-no-color", "-auto-approve", LOCK_TIMEOUT];
    const flags = [...variableFlags(variables), ...targets.map((target) => `-target=${target}`)];
    return (await this.logged(kind, "apply", [...args, ...flags])).stdout;
  }

  async destroy(kind: StackKind, variables: Variables = {}, refresh = true): Promise<void> {
    const args = ["destroy", "-input=false", "-no-color", "-auto-approve", LOCK_TIMEOUT];
    const flags = [...(refresh ? [] : ["-refresh=false"]), ...variableFlags(variables)];
    await this.logged(kind, "destroy", [...args, ...flags]);
  }

  /** The outputs that are no secrets. Empty when nothing was applied. */
  async outputs(kind: StackKind): Promise<Readonly<Record<string, unknown>>> {
    return parseOutputs(await this.captured(kind, ["output", "-json", "-no-color"]));
  }

  /** What the state holds. It may contain secrets, so it is never logged. */
  async state(kind: StackKind): Promise<readonly StateResource[]> {
    return parseState(await this.captured(kind, ["state", "pull"]));
  }

  /** What the synthesized stack wants to be there. */
  planned(kind: StackKind): readonly PlannedResource[] {
    return parsePlanned(readFileSync(this.file(kind, "cdk.tf.json"), "utf8"));
  }

  /** Has the next apply take these into the state, by address and id. */
  importNext(kind: StackKind, imports: readonly { readonly to: string; readonly id: string }[]) {
    if (imports.length === 0) return this.forgetImports(kind);
    writeWhole(this.file(kind, IMPORTS), JSON.stringify({ import: imports }, null, 2));
  }

  forgetImports(kind: StackKind): void {
    rmSync(this.file(kind, IMPORTS), { force: true });
  }

  /** Waits until no other run works on the state: this changes nothing, and takes the lock for it. */
  async waitForLock(kind: StackKind): Promise<void> {
    await this.captured(kind, ["taint", "-allow-missing", LOCK_TIMEOUT, "terraform_data.none"]);
  }

  /** Forgets every resource of a type, for one that is gone and that the provider cannot read. */
  async forget(kind: StackKind, type: string): Promise<void> {
    const addresses = (await this.captured(kind, ["state", "list"])).split("\n");
    const gone = addresses.filter((address) => address.startsWith(`${type}.`));
    if (gone.length > 0) await this.captured(kind, ["state", "rm", LOCK_TIMEOUT, ...gone]);
  }

  private async initOnce(kind: StackKind): Promise<void> {
    const mark = this.file(kind, join(".terraform", "ready"));
    const inputs = this.initInputs(kind);
    if (inputs !== undefined && readIfThere(mark) === inputs) return;
    try {
      await this.logged(kind, "init", ["init", "-input=false", "-no-color"]);
    } catch (error) {
      this.inits.delete(kind);
      throw error;
    }
    const made = this.initInputs(kind);
    if (made !== undefined) writeWhole(mark, made);
  }

  /** What `init` goes by, as a hash; `undefined` where there is nothing of it yet. */
  private initInputs(kind: StackKind): string | undefined {
    const stack = readIfThere(this.file(kind, "cdk.tf.json"));
    const lock = readIfThere(this.file(kind, ".terraform.lock.hcl"));
    if (stack === undefined || lock === undefined) return undefined;
    if (!existsSync(this.file(kind, join(".terraform", "providers")))) return undefined;
    const { env } = this.options;
    const settings = Object.entries(env).filter(([name]) => /^TF_(CLI|PLUGIN|DATA)/.test(name));
    const { terraform } = JSON.parse(stack);
    const inputs = JSON.stringify([this.binary, terraform, lock, settings.sort()]);
    return createHash("sha256").update(inputs).digest("hex");
  }

  private planFile(kind: StackKind): string {
    return relative(this.directory(kind), join(stageDirectory(this.options.stage), `${kind}.plan`));
  }

  private async logged(
    kind: StackKind,
    step: string,
    args: readonly string[],
    fine: readonly number[] = [0],
  ): Promise<RunResult> {
    const { stage, env, onLine } = this.options;
    const log = logFile(this.world, stage, `${step}-${kind}`);
    const result = await this.run(kind, args, { env, logFile: log, onLine });
    if (fine.includes(result.exitCode)) return result;
    throw this.failure(kind, step, result, `The whole output is in ${log}.`);
  }

  private async captured(kind: StackKind, args: readonly string[]): Promise<string> {
    const result = await this.run(kind, args, { env: this.options.env });
    if (result.exitCode === 0) return result.stdout;
    throw this.failure(kind, args.slice(0, 2).join(" "), result);
  }

  private run(kind: StackKind, args: readonly string[], options: Parameters<World["run"]>[2]) {
    const directory = stackDirectory(this.world.env, kind, this.options.stage);
    return this.world.run(this.binary, [`-chdir=${directory}`, ...args], options);
  }

  private file(kind: StackKind, name: string): string {
    return join(this.world.root, stackDirectory(this.world.env, kind, this.options.stage), name);
  }

  private failure(kind: StackKind, step: string, result: RunResult, more = ""): UserError {
    const id = stackId(kind, this.options.stage);
    if (result.exitCode === NOT_FOUND) return new UserError(missingTerraform(this.binary));
    const reason = findErrors(`${result.stdout}\n${result.stderr}`);
    const directory = stackDirectory(this.world.env, kind, this.options.stage);
    const hint = lockHint(`${this.binary} -chdir=${directory}`, reason);
    const title = `${this.binary} ${step} of stack ${id} failed (exit code ${result.exitCode}).`;
    return new TerraformFailure([title, reason, hint, more].filter(Boolean).join("\n"));
  }
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function variableFlags(variables: Variables): string[] {
  return Object.entries(variables).map(([name, value]) => `-var=${name}=${value}`);
}

/** The directory, from the project's, in which Terraform runs for a stack. */
export function stackDirectory(
  env: Environment,
  kind: StackKind,
  stage: string | undefined,
): string {
  return join(env.CDKTF_OUTDIR || "cdktf.out", "stacks", stackId(kind, stage));
}

export function terraformBinary(env: Environment): string {
  return env.TERRAFORM_BINARY_NAME || "terraform";
}

export function missingTerraform(binary: string): string {
  return `\`${binary}\` is not installed. Install Terraform (https://developer.hashicorp.com/terraform/install), or set TERRAFORM_BINARY_NAME, e.g. to tofu.`;
}

export interface Credentials {
  readonly token?: string;
  readonly folderId?: string;
  readonly backend: BackendSettings["type"];
}

/**
 * The environment of terraform: what it needs of this process's, plus what keeps it from asking, plus
 * the credentials of this run. A state in a bucket takes AWS_* too.
 */
export function terraformEnvironment(env: Environment, credentials: Credentials): Environment {
  const { token, folderId, backend } = credentials;
  return {
    ...childEnvironment(env, "terraform"),
    ...(backend === "s3" && awsVariables(env)),
    ...(token && { YC_TOKEN: token }),
    ...(folderId && { YC_FOLDER_ID: folderId }),
    TF_INPUT: "0",
    TF_IN_AUTOMATION: "1",
    CHECKPOINT_DISABLE: "1",
  };
}

function awsVariables(env: Environment): Environment {
  // The provider fails to configure itself when this one is set.
  const { AWS_CA_BUNDLE: _, ...rest } = env;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith("AWS_")));
}

/** Terraform's errors, each once, after the cloud's own reasons; its last lines where none is marked. */
export function findErrors(output: string): string {
  const lines = output
    .trimEnd()
    .split("\n")
    .filter((line) => !/^[╷╵]$/.test(line));
  const blocks = splitBlocks(lines);
  const errors = blocks.filter(([title]) => /Error: /.test(title ?? ""));
  if (errors.length === 0) return lines.slice(-10).join("\n");
  // The provider warns only when a revision does not start, and nothing else says why.
  const reasons = blocks.filter(([title]) => /Warning: Failed to deploy/.test(title ?? ""));
  const shown = foldBlocks([...reasons, ...errors])
    .join("\n\n")
    .split("\n");
  return shown.slice(0, SHOWN_ERROR_LINES).join("\n");
}

function splitBlocks(lines: readonly string[]): string[][] {
  const blocks: string[][] = [];
  for (const line of lines) {
    if (/^[│|]?\s*(Error|Warning): /.test(line)) blocks.push([line]);
    else blocks.at(-1)?.push(line);
  }
  return blocks;
}

// A plugin that goes away makes every resource fail with the same words.
function foldBlocks(blocks: readonly string[][]): string[] {
  const folded = new Map<string, { text: string; times: number }>();
  for (const block of blocks) {
    const words = block.filter((line) => !LOCATION.test(line)).join("\n");
    const { text = block.join("\n").trimEnd(), times = 0 } = folded.get(words) ?? {};
    folded.set(words, { text, times: times + 1 });
  }
  return [...folded.values()].map(({ text, times }) =>
    times === 1 ? text : `${text}\n(the same ${times} times)`,
  );
}

// A lock in a bucket outlives a run that was killed.
function lockHint(terraform: string, reason: string): string {
  if (!reason.includes("Error acquiring the state lock")) return "";
  const id = /ID:\s+(\S+)/.exec(reason)?.[1] ?? "<ID>";
  return `Another run holds the lock. If there is none (one was killed), run \`${terraform} force-unlock ${id}\` and try again.`;
}

/** What an apply did, in a few words. */
export function findApplied(output: string): string {
  const counts = /Resources: (?:\d+ imported, )?(\d+) added, (\d+) changed, (\d+) destroyed/.exec(
    output,
  );
  if (counts === null) return "applied";
  const [, added, changed, destroyed] = counts.map(Number);
  if (!added && !changed && !destroyed) return "no change";
  return `${added} added, ${changed} changed, ${destroyed} destroyed`;
}

const outputsSchema = v.record(
  v.string(),
  v.object({ value: v.unknown(), sensitive: v.optional(v.boolean()) }),
);

export function parseOutputs(text: string): Record<string, unknown> {
  const outputs = v.parse(outputsSchema, JSON.parse(text));
  const shown = Object.entries(outputs).filter(([, output]) => output.sensitive !== true);
  return Object.fromEntries(shown.map(([name, { value }]) => [name, value]));
}

/** One instance of a resource in the state. */
export interface StateResource {
  readonly address: string;
  readonly type: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const stateSchema = v.object({
  resources: v.optional(
    v.array(
      v.object({
        mode: v.string(),
        type: v.string(),
        name: v.string(),
        instances: v.array(v.object({ attributes: v.record(v.string(), v.unknown()) })),
      }),
    ),
    [],
  ),
});

/** The managed resources of a state; none when there is no state yet. */
export function parseState(text: string): StateResource[] {
  if (text.trim() === "") return [];
  const { resources } = v.parse(stateSchema, JSON.parse(text));
  return resources
    .filter(({ mode }) => mode === "managed")
    .flatMap(({ type, name, instances }) =>
      instances.map(({ attributes }) => ({ address: `${type}.${name}`, type, attributes })),
    );
}

/** One resource of a synthesized stack. */
export interface PlannedResource {
  readonly address: string;
  readonly type: string;
  /** As they are written, references included. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

const stackSchema = v.object({
  resource: v.optional(
    v.record(v.string(), v.record(v.string(), v.record(v.string(), v.unknown()))),
    {},
  ),
});

export function parsePlanned(text: string): PlannedResource[] {
  const { resource } = v.parse(stackSchema, JSON.parse(text));
  return Object.entries(resource).flatMap(([type, named]) =>
    Object.entries(named).map(([name, attributes]) => ({
      ...{ address: `${type}.${name}`, type, attributes },
    })),
  );
}
