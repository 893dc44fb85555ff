import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import { stackDirectory, stageDirectory, synthesisDirectory } from "../../../stacks/directories.ts";
import { type StackKind, stackId } from "../../../stacks/settings.ts";
import { logFile } from "../shell/run-logs.ts";
import { type Environment, NOT_FOUND, type ProcessResult, type System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { forgetCut, mendCutState, wasCut } from "./cut-state.ts";
import { missingTerraform, terraformBinary } from "./environment.ts";
import { findErrors, lockHint } from "./messages.ts";
import {
  type ConfiguredResource,
  parseConfiguration,
  parseOutputs,
  parseState,
  type StateResource,
} from "./state.ts";

/** A run that was killed leaves its terraform to finish; the next one waits for it this long. */
const LOCK_TIMEOUT = "-lock-timeout=120s";
/** Asks nothing and writes no colours. */
const QUIET = ["-input=false", "-no-color"];
/** Exit code of a detailed plan that is not empty. */
const CHANGES = 2;

const PLATFORMS = ["linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64"];

/** Beside the stack while what it names is to be imported. Last, so that it is read last. */
const IMPORTS = "zz_import.tf.json";

/** Terraform ran and did not succeed. */
export class TerraformFailure extends UserError {}

/** Values of variables; no secrets, since they go on the command line. */
export type TerraformVariables = Readonly<Record<string, string>>;

/** The stage, and what Terraform gets of the environment. */
export interface TerraformOptions {
  readonly stage: string | undefined;
  readonly env: Environment;
  /** Is given the output line by line. */
  readonly onLine?: (line: string) => void;
}

/** The stacks of one stage under Terraform (or OpenTofu, by TERRAFORM_BINARY_NAME). */
export class Terraform {
  readonly binary: string;

  private readonly system: System;
  private readonly options: TerraformOptions;
  private readonly inits: Map<StackKind, Promise<void>>;

  constructor(system: System, options: TerraformOptions, inits = new Map()) {
    this.system = system;
    this.options = options;
    this.inits = inits;
    this.binary = terraformBinary(system.env);
  }

  /** The same with another listener. */
  with(onLine: (line: string) => void): Terraform {
    return new Terraform(this.system, { ...this.options, onLine }, this.inits);
  }

  /** Runs `terraform init` in a stack's directory, unless an earlier one still holds. */
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
    return terraformDirectory(this.system.env, kind, this.options.stage);
  }

  /** The plan's text. */
  async plan(kind: StackKind, variables: TerraformVariables = {}): Promise<string> {
    const args = ["plan", ...QUIET, LOCK_TIMEOUT, ...variableFlags(variables)];
    return (await this.logged(kind, "plan", args)).stdout;
  }

  /** Plans the next apply, keeps the plan for `applySavedPlan`, and says whether it changes anything. */
  async savePlan(kind: StackKind): Promise<boolean> {
    const flags = ["-detailed-exitcode", LOCK_TIMEOUT, `-out=${this.planFile(kind)}`];
    const args = ["plan", ...QUIET, ...flags];
    return (await this.logged(kind, "plan", args, [0, CHANGES])).exitCode === CHANGES;
  }

  /** Applies the saved plan, and returns what Terraform said. */
  async applySavedPlan(kind: StackKind): Promise<string> {
    const args = ["apply", ...QUIET, LOCK_TIMEOUT, this.planFile(kind)];
    return (await this.logged(kind, "apply", args)).stdout;
  }

  /** A plan holds what the state holds, so it goes where nobody else can read it. */
  removeSavedPlan(kind: StackKind): void {
    rmSync(this.file(kind, this.planFile(kind)), { force: true });
  }

  /** Applies a stack, or a part of it and what that needs, and returns what Terraform said. */
  async apply(
    kind: StackKind,
    variables: TerraformVariables = {},
    targets: readonly string[] = [],
  ): Promise<string> {
    const args = ["apply", ...QUIET, "-auto-approve", LOCK_TIMEOUT];
    const flags = [...variableFlags(variables), ...targets.map((target) => `-target=${target}`)];
    return (await this.logged(kind, "apply", [...args, ...flags])).stdout;
  }

  async destroy(
    kind: StackKind,
    variables: TerraformVariables = {},
    refresh = true,
  ): Promise<void> {
    const args = ["destroy", ...QUIET, "-auto-approve", LOCK_TIMEOUT];
    const flags = [...(refresh ? [] : ["-refresh=false"]), ...variableFlags(variables)];
    await this.logged(kind, "destroy", [...args, ...flags]);
  }

  /** The outputs that are not sensitive. Empty when nothing was applied. */
  async outputs(kind: StackKind): Promise<Readonly<Record<string, unknown>>> {
    return parseOutputs(await this.captured(kind, ["output", "-json", "-no-color"]));
  }

  /** What the state holds. It may contain secrets, so it is never logged. */
  async state(kind: StackKind): Promise<readonly StateResource[]> {
    return parseState(await this.captured(kind, ["state", "pull"]));
  }

  /** The resources of the synthesized stack. */
  configured(kind: StackKind): readonly ConfiguredResource[] {
    return parseConfiguration(readFileSync(this.file(kind, "cdk.tf.json"), "utf8"));
  }

  /** Has the next apply take these into the state, by address and id. */
  writeImports(kind: StackKind, imports: readonly { readonly to: string; readonly id: string }[]) {
    if (imports.length === 0) return this.removeImports(kind);
    writeWhole(this.file(kind, IMPORTS), JSON.stringify({ import: imports }, null, 2));
  }

  removeImports(kind: StackKind): void {
    rmSync(this.file(kind, IMPORTS), { force: true });
  }

  /** Waits until no other run works on the state: this changes nothing, and takes the lock for it. */
  async waitForLock(kind: StackKind): Promise<void> {
    await this.captured(kind, ["taint", "-allow-missing", LOCK_TIMEOUT, "terraform_data.none"]);
  }

  /** Forgets every resource of a type, for one that is gone and that the provider cannot read. */
  async removeFromState(kind: StackKind, type: string): Promise<void> {
    const addresses = (await this.captured(kind, ["state", "list"])).split("\n");
    const gone = addresses.filter((address) => address.startsWith(`${type}.`));
    if (gone.length > 0) await this.captured(kind, ["state", "rm", LOCK_TIMEOUT, ...gone]);
  }

  /** Whether a run was killed while it wrote the state, and nobody has finished it yet. */
  wasCut(kind: StackKind): boolean {
    return wasCut(this.stateFile(kind));
  }

  /** What a killed run has left is in the state again. */
  forgetCut(kind: StackKind): void {
    forgetCut(this.stateFile(kind));
  }

  private async initOnce(kind: StackKind): Promise<void> {
    await mendCutState(this.stateFile(kind));
    const mark = this.file(kind, join(".terraform", "ready"));
    const inputs = this.initInputs(kind);
    if (inputs !== undefined && readIfThere(mark) === inputs) return;
    try {
      await this.logged(kind, "init", ["init", ...QUIET]);
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

  /** Where the state is, unless config.ts names a backend. */
  private stateFile(kind: StackKind): string {
    return join(this.system.root, stageDirectory(this.options.stage), `${kind}.tfstate`);
  }

  private async logged(
    kind: StackKind,
    step: string,
    args: readonly string[],
    fine: readonly number[] = [0],
  ): Promise<ProcessResult> {
    const { stage, env, onLine } = this.options;
    const log = logFile(this.system, stage, `${step}-${kind}`);
    const result = await this.run(kind, args, { env, logFile: log, onLine });
    if (fine.includes(result.exitCode)) return result;
    throw this.failure(kind, step, result, `The whole output is in ${log}.`);
  }

  private async captured(kind: StackKind, args: readonly string[]): Promise<string> {
    const result = await this.run(kind, args, { env: this.options.env });
    if (result.exitCode === 0) return result.stdout;
    throw this.failure(kind, args.slice(0, 2).join(" "), result);
  }

  private run(kind: StackKind, args: readonly string[], options: Parameters<System["run"]>[2]) {
    return this.system.run(this.binary, [`-chdir=${this.directory(kind)}`, ...args], options);
  }

  private file(kind: StackKind, name: string): string {
    return resolve(this.system.root, this.directory(kind), name);
  }

  private failure(kind: StackKind, step: string, result: ProcessResult, more = ""): UserError {
    const id = stackId(kind, this.options.stage);
    if (result.exitCode === NOT_FOUND) return new UserError(missingTerraform(this.binary));
    const reason = findErrors(`${result.stdout}\n${result.stderr}`);
    const hint = lockHint(`${this.binary} -chdir=${this.directory(kind)}`, reason);
    const title = `${this.binary} ${step} of stack ${id} failed (exit code ${result.exitCode}).`;
    return new TerraformFailure([title, reason, hint, more].filter(Boolean).join("\n"));
  }
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function variableFlags(variables: TerraformVariables): string[] {
  return Object.entries(variables).map(([name, value]) => `-var=${name}=${value}`);
}

/** The directory, from the project's, in which Terraform runs for a stack of a stage. */
export function terraformDirectory(
  env: Environment,
  kind: StackKind,
  stage: string | undefined,
): string {
  return stackDirectory(synthesisDirectory(env), stackId(kind, stage));
}
