// Shows that every refusal and every decision is held by a test: takes them away one at a time, runs
// the tests that should notice, and expects red. `npm run mutants [part of a name]`.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { DECISIONS } from "./decisions.ts";

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
const run = promisify(execFile);

const wanted = process.argv[2] ?? "";
const mutants = [...refusals(), ...decisions()].filter(({ name }) => name.includes(wanted));
const survivors = await runAll(mutants);
for (const survivor of survivors) console.log(`SURVIVED ${survivor}`);
console.log(`${mutants.length - survivors.length} passed, ${survivors.length} failed`);
process.exitCode = survivors.length === 0 && mutants.length > 0 ? 0 : 1;

/** Every `refuse(condition, …)` of the constructs, with its condition made false. */
function refusals(): Mutant[] {
  return readdirSync("constructs")
    .filter((file) => file.endsWith(".ts") && file !== "_refusal.ts")
    .flatMap((file) => refusalsOf(join("constructs", file)));
}

function refusalsOf(file: string): Mutant[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(file, "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText() === "refuse" && node.arguments[0]) {
      const [condition] = node.arguments;
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      found.push({
        name: `${file}:${line} ${condition.getText().replace(/\s+/g, " ").slice(0, 80)}`,
        file,
        start: condition.getStart(),
        end: condition.getEnd(),
        text: "false",
        tests: [testOf(file)],
      });
    }
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

function testOf(file: string): string {
  return join("test", file.replace(/\.ts$/, ".test.ts"));
}

/** The decisions that are no refusals, as changes of text that would undo them. */
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

async function runAll(queue: readonly Mutant[]): Promise<string[]> {
  const survivors: string[] = [];
  const rest = [...queue];
  const worker = async () => {
    for (let mutant = rest.shift(); mutant; mutant = rest.shift()) {
      if (!(await isKilled(mutant))) survivors.push(mutant.name);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return survivors;
}

// Red must come from a failed expectation: a run that collected no test, or that did not start, proves nothing.
async function isKilled(mutant: Mutant): Promise<boolean> {
  const args = [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--bail=1",
    "--reporter=json",
    ...mutant.tests,
  ];
  const env = { ...process.env, MUTANT: JSON.stringify(mutant) };
  const output = await run(process.execPath, args, { env, maxBuffer: 1e8 }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
  const json = output.slice(output.indexOf("{"));
  return (JSON.parse(json) as { numFailedTests: number }).numFailedTests > 0;
}
