import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

type Values = Readonly<Record<string, string>>;

/** Names that expressions may use, e.g. `{ github: { event_name: "push" }, vars: {} }`. */
export type Contexts = Readonly<Record<string, unknown>>;

export interface GitHubStep {
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Values;
  readonly with?: Readonly<Record<string, unknown>>;
}

export interface GitHubJob {
  readonly if?: string;
  readonly needs?: string;
  readonly permissions: Values;
  readonly concurrency: { readonly group: string; readonly "cancel-in-progress": boolean };
  readonly env?: Values;
  readonly steps: readonly GitHubStep[];
}

export interface GitHubWorkflow {
  readonly on: Readonly<Record<string, { readonly branches: readonly string[] }>>;
  readonly permissions: Values;
  readonly env: Values;
  readonly jobs: Readonly<Record<string, GitHubJob>>;
}

interface GitLabRule {
  readonly if: string;
  readonly when?: string;
}

export interface GitLabJob {
  readonly extends?: string;
  readonly stage: string;
  readonly rules: readonly GitLabRule[];
  readonly id_tokens?: Readonly<Record<string, { readonly aud: string }>>;
  readonly resource_group?: string;
  readonly interruptible: boolean;
  readonly image: string | { readonly name: string; readonly entrypoint: readonly string[] };
  readonly services?: readonly { readonly name: string }[];
  readonly variables?: Values;
  readonly before_script?: readonly string[];
  readonly script: readonly string[];
}

export interface GitLabPipeline {
  readonly workflow: { readonly rules: readonly GitLabRule[] };
  readonly stages: readonly string[];
  readonly variables: Values;
  readonly jobs: Readonly<Record<string, GitLabJob>>;
}

/** What a job printed, as it left the steps: before the host masked anything in it. */
export interface JobResult {
  readonly code: number;
  readonly output: string;
}

export function readGitHub(file: string): GitHubWorkflow {
  return parse(readFileSync(file, "utf8"));
}

/** A GitLab pipeline with `extends` resolved. */
export function readGitLab(file: string): GitLabPipeline {
  const { workflow, stages, variables, default: _, ...rest } = parse(readFileSync(file, "utf8"));
  const jobs = Object.entries<GitLabJob>(rest)
    .filter(([name]) => !name.startsWith("."))
    .map(([name, job]) => [name, { ...(job.extends && rest[job.extends]), ...job }]);
  return { workflow, stages, variables, jobs: Object.fromEntries(jobs) };
}

/** The jobs that an event starts, in order. */
export function gitHubJobs({ jobs }: GitHubWorkflow, contexts: Contexts): string[] {
  return Object.entries(jobs)
    .filter(([, job]) => evaluate(job.if ?? "true", contexts) === "true")
    .map(([name]) => name);
}

/** The jobs that a pipeline with these variables has, each with its `when`. */
export function gitLabJobs(pipeline: GitLabPipeline, variables: Values): string[] {
  if (!matchingRule(pipeline.workflow.rules, variables)) return [];
  return Object.entries(pipeline.jobs).flatMap(([name, { rules }]) => {
    const rule = matchingRule(rules, variables);
    if (!rule) return [];
    return rule.when ? `${name} (${rule.when})` : name;
  });
}

/** Runs the `run` steps of a job as GitHub's runner does, in one folder. */
export async function runGitHubJob(
  { env, jobs }: GitHubWorkflow,
  name: string,
  { contexts, machine, folder }: { contexts: Contexts; machine: NodeJS.ProcessEnv; folder: string },
): Promise<JobResult> {
  const job = jobs[name];
  if (!job) throw new Error(`no job ${name}`);
  const envFile = join(folder, "github-env");
  writeFileSync(envFile, "");
  let output = "";
  for (const step of job.steps) {
    if (!step.run) continue;
    const declared = interpolateAll({ ...env, ...job.env, ...step.env }, contexts);
    const script = join(folder, "step.sh");
    writeFileSync(script, interpolate(step.run, contexts));
    const environment = { ...machine, ...declared, ...readEnvFile(envFile), GITHUB_ENV: envFile };
    const result = await run("bash", ["-e", script], folder, environment);
    output += result.output;
    if (result.code !== 0) return { code: result.code, output };
  }
  return { code: 0, output };
}

/** Runs `before_script` and `script` of a job as GitLab's runner does: one shell for all lines. */
export async function runGitLabJob(
  { variables, jobs }: GitLabPipeline,
  name: string,
  { machine, folder }: { machine: NodeJS.ProcessEnv; folder: string },
): Promise<JobResult> {
  const job = jobs[name];
  if (!job) throw new Error(`no job ${name}`);
  const lines = [...(job.before_script ?? []), ...job.script];
  const script = join(folder, "job.sh");
  const quoted = lines.map((line) => `echo '$ ${line.replaceAll("'", "'\\''")}'\n${line}\n`);
  writeFileSync(script, `set -e\n${quoted.join("")}`);
  const environment = { ...machine, ...expandAll({ ...variables, ...job.variables }, machine) };
  return run("sh", [script], folder, environment);
}

// Not synchronous: the stand-in cloud answers from this very process.
function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<JobResult> {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** The values that a job asked GitHub's runner to mask. */
export function maskedValues(output: string): string[] {
  return [...output.matchAll(/^::add-mask::(.*)$/gm)].map(([, value]) => String(value));
}

/** What is left of the output once the runner has swallowed the masking commands. */
export function withoutMaskCommands(output: string): string {
  return output.replaceAll(/^::add-mask::.*\n/gm, "");
}

function readEnvFile(file: string): Values {
  if (!existsSync(file)) return {};
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
}

function interpolateAll(values: Values, contexts: Contexts): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, interpolate(String(value), contexts)]),
  );
}

function interpolate(text: string, contexts: Contexts): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/g, (_, expression) => evaluate(expression, contexts));
}

/** The part of GitHub's expressions that the workflow uses: names, texts, `==`, `!=` and `&&`. */
function evaluate(expression: string, contexts: Contexts): string {
  const terms = expression.split("&&").map((term) => term.trim());
  if (terms.length > 1) return String(terms.every((term) => evaluate(term, contexts) === "true"));
  const [, left, operator, right] = /^(.*?)\s*(==|!=)\s*(.*)$/.exec(terms[0] ?? "") ?? [];
  if (operator === undefined) return operand(terms[0] ?? "", contexts);
  const equal = operand(String(left), contexts) === operand(String(right), contexts);
  return String(equal === (operator === "=="));
}

function operand(text: string, contexts: Contexts): string {
  const literal = /^'(.*)'$/.exec(text)?.[1] ?? (text === "true" ? text : undefined);
  if (literal !== undefined) return literal;
  if (!/^[a-z_]+(\.[\w-]+)+$/i.test(text)) throw new Error(`not understood: ${text}`);
  const value = text
    .split(".")
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], contexts);
  return String(value ?? "");
}

function matchingRule(rules: readonly GitLabRule[], variables: Values): GitLabRule | undefined {
  return rules.find((rule) => rule.if.split("&&").every((term) => holds(term.trim(), variables)));
}

function holds(term: string, variables: Values): boolean {
  const sides = /^(\$\w+|"[^"]*") == (\$\w+|"[^"]*")$/.exec(term)?.slice(1);
  if (!sides) throw new Error(`not understood: ${term}`);
  const [left, right] = sides.map((side) =>
    side.startsWith("$") ? variables[side.slice(1)] : side.slice(1, -1),
  );
  return left !== undefined && left === right;
}

function expandAll(values: Values, variables: NodeJS.ProcessEnv): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value.replaceAll(/\$(\w+)/g, (_, key) => variables[key] ?? ""),
    ]),
  );
}
