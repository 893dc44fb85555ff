// Shows that every refusal and every decision is held by a test: takes them away one at a time, runs
// the tests that should notice, and expects red. `npm run mutants [part of a name]`.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
// TypeScript 7, which checks, has no stable API.
import ts from "typescript-api";
import { DECISIONS } from "./decisions.ts";
import type { RunResult } from "./mutant-runner.ts";

/** One change of one source file. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly tests: readonly string[];
}

const WORKERS = 2;
const NO_MUTANT = { name: "none", file: "", start: 0, end: 0, text: "" };
const LEAST_PATIENCE_MS = 60_000;
// Where the tests of a file's refusals are not in the file of its name.
const TESTED_WITH: Readonly<Record<string, string>> = {
  "constructs/_open-api-checks.ts": "test/constructs/open-api.test.ts",
  "constructs/_open-api-source.ts": "test/constructs/open-api.test.ts",
  "constructs/celery-app-props.ts": "test/constructs/celery-app.test.ts",
  "constructs/message-queue-props.ts": "test/constructs/message-queue.test.ts",
  "constructs/serverless-container.ts": "test/constructs/serverless-container-props.test.ts",
  "constructs/_container-environment.ts": "test/constructs/serverless-container-props.test.ts",
  "constructs/celery-queue.ts": "test/constructs/celery-app.test.ts",
  "constructs/_quotas.ts": "test/constructs/serverless-container-props.test.ts",
  "constructs/api-gateway.ts": "test/constructs/api-gateway-props.test.ts",
  "scripts/lib/terraform/state-lock.ts": "test/scripts/deploy/preflight.test.ts",
  "scripts/lib/image/docker.ts": "test/scripts/image/image.test.ts",
  "scripts/lib/image/registry-images.ts": "test/scripts/image/image.test.ts",
  "scripts/lib/logs/log-group.ts": "test/scripts/logs/read-log.test.ts",
  "scripts/lib/logs/log-page.ts": "test/scripts/logs/read-log.test.ts",
  "scripts/lib/deploy/deploy-steps.ts": "test/scripts/deploy/deploy.test.ts",
  "scripts/lib/tasks/find-task.ts": "test/scripts/tasks/story.test.ts",
  "scripts/lib/open/stage-actions.ts": "test/scripts/open/stage-source.test.ts",
  "scripts/lib/cloud/queue-key.ts": "test/scripts/verify/verify.test.ts",
  "scripts/lib/queue/describe.ts": "test/scripts/queue/redrive.test.ts",
  "scripts/lib/queue/selection.ts": "test/scripts/queue/redrive.test.ts",
  "scripts/lib/pipeline/job.ts": "test/scripts/pipeline/login.test.ts",
};

/** Runs tests in a process that stays, and starts another where that did not come to an end. */
class Runner {
  private child: ChildProcess | undefined;

  /** What became of the tests, or nothing when they had to be killed, with all that they started. */
  async run(mutant: Mutant, limit?: number): Promise<RunResult | undefined> {
    const child = await this.start();
    const timer = limit === undefined ? undefined : setTimeout(() => this.end(), limit);
    child.send(mutant);
    const first = new AbortController();
    const [answer, end] = ["message", "exit"].map((event) => once(child, event, first));
    const result = await Promise.race([answer, end?.then(() => undefined)]);
    first.abort();
    clearTimeout(timer);
    if (result === undefined) this.child = undefined;
    return result?.[0];
  }

  end(): void {
    if (this.child?.pid !== undefined) process.kill(-this.child.pid, "SIGKILL");
    this.child = undefined;
  }

  private async start(): Promise<ChildProcess> {
    if (this.child) return this.child;
    this.child = fork("run.mjs", ["test/mutant-runner.ts"], {
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    await once(this.child, "message");
    return this.child;
  }
}

const wanted = process.argv[2] ?? "";
const mutants = [...refusals(), ...decisions()].filter(({ name }) => name.includes(wanted));
if (mutants.length === 0) throw new Error(`No mutant has "${wanted}" in its name.`);
// Decides what "does not end" means here. Red without a mutant would make every mutant look noticed.
const patience = await timeUnchanged(mutants);
const survivors = await runAll(mutants);
console.log(`${mutants.length - survivors.length} passed, ${survivors.length} failed`);
process.exitCode = survivors.length === 0 ? 0 : 1;

/** A place in a source file whose removal takes a refusal away. */
type Find = (node: ts.Node) => { readonly node: ts.Node; readonly text: string } | undefined;

/** Everything that refuses something: in the constructs, in `config.ts`'s schema, in the commands. */
function refusals(): Mutant[] {
  return [
    ...filesOf("constructs").flatMap((file) => mutantsOf(file, refusedInConstruct)),
    ...mutantsOf("constructs/_cron.ts", refusedByReturn),
    ...mutantsOf("stacks/config-schema.ts", refusedBySchema, "test/stacks/settings.test.ts"),
    ...mutantsOf("stacks/settings.ts", refusedByThrow),
    ...filesOf("scripts/lib").flatMap((file) => mutantsOf(file, refusedByThrow)),
  ];
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file));
}

function mutantsOf(file: string, find: Find, test = testOf(file)): Mutant[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(file, "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    const { node: place, text } = find(node) ?? {};
    if (place && text !== undefined) {
      const line = source.getLineAndCharacterOfPosition(place.getStart()).line + 1;
      const name = `${file}:${line} ${place.getText().replace(/\s+/g, " ").slice(0, 80)}`;
      found.push({ name, file, start: place.getStart(), end: place.getEnd(), text, tests: [test] });
    }
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

// `refuse(condition, …)` and whole `checkX(…)` statements.
function refusedInConstruct(node: ts.Node): ReturnType<Find> {
  if (!ts.isCallExpression(node)) return undefined;
  const called = node.expression.getText();
  const [condition] = node.arguments;
  if (called === "refuse" && condition) return { node: condition, text: "false" };
  const isStatement = ts.isExpressionStatement(node.parent);
  return isStatement && /^check[A-Z]/.test(called) ? { node, text: "undefined" } : undefined;
}

// `if (condition) return <a problem>;`
function refusedByReturn(node: ts.Node): ReturnType<Find> {
  if (!ts.isIfStatement(node)) return undefined;
  return /text|`/.test(node.thenStatement.getText())
    ? { node: node.expression, text: "false" }
    : undefined;
}

function refusedBySchema(node: ts.Node): ReturnType<Find> {
  if (!ts.isCallExpression(node)) return undefined;
  const rule = /^v\.(regex|nonEmpty|integer|minValue|url|notValue)$/.test(
    node.expression.getText(),
  );
  return rule ? { node, text: "v.check(() => true)" } : undefined;
}

function refusedByThrow(node: ts.Node): ReturnType<Find> {
  if (!ts.isThrowStatement(node)) return undefined;
  const refusal = /^throw (new (UserError|UsageError|Error)\(|\w+\()/.test(node.getText());
  return refusal ? { node, text: ";" } : undefined;
}

function testOf(file: string): string {
  const own = join("test", file.replace("scripts/lib", "scripts").replace(/\.ts$/, ".test.ts"));
  return TESTED_WITH[file] ?? own;
}

/** The decisions that are not refusals, as changes of text that would undo them. */
function decisions(): Mutant[] {
  return DECISIONS.map(({ name, file, find, replace, tests }) => {
    const source = readFileSync(file, "utf8");
    const start = source.indexOf(find);
    if (start < 0 || source.indexOf(find, start + 1) >= 0) {
      throw new Error(`${name}: the text to change stands in ${file} not exactly once: ${find}`);
    }
    return {
      name: `decision ${name}`,
      file,
      start,
      end: start + find.length,
      text: replace,
      tests,
    };
  });
}

/** How long tests may take: much longer than all of them take on the sources as they are. */
async function timeUnchanged(all: readonly Mutant[]): Promise<number> {
  const tests = [...new Set(all.flatMap(({ tests }) => tests))];
  const start = Date.now();
  const runner = new Runner();
  const result = await runner.run({ ...NO_MUTANT, tests });
  runner.end();
  if (!result?.success) {
    throw new Error("The tests are red without a mutant. Fix them first: npx vitest run");
  }
  return Math.max(LEAST_PATIENCE_MS, 2 * (Date.now() - start));
}

async function runAll(queue: readonly Mutant[]): Promise<string[]> {
  const survivors: string[] = [];
  const rest = [...queue];
  const worker = async () => {
    const runner = new Runner();
    for (let mutant = rest.shift(); mutant; mutant = rest.shift()) {
      if (await isKilled(runner, mutant)) continue;
      console.log(`SURVIVED ${mutant.name}`);
      survivors.push(mutant.name);
    }
    runner.end();
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return survivors;
}

// Red must come from a failed expectation: a run that collected no test, or that did not start,
// proves nothing. A run that does not end has noticed too: what is missing was a loop's way out.
async function isKilled(runner: Runner, mutant: Mutant): Promise<boolean> {
  const result = await runner.run(mutant, patience);
  return result === undefined || result.failed > 0;
}
