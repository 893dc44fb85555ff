import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript-api";
import { expect, test } from "vitest";
import { ROOT } from "../support/sources.ts";
import { DOCUMENTS } from "./_documents.ts";
import { problemsOf, synthesize } from "./_synth.ts";

/** Two of one name in one example are alternatives. */
const DUPLICATE_PROPERTY = 1117;

/** To be copied over the one in the root. */
const OTHER_CONFIG = join("examples", "django-postgres", "config.ts");

const EXAMPLES = [
  ...DOCUMENTS.flatMap(({ path, blocks }) =>
    blocks.filter(({ language }) => language === "ts").map(({ code }) => ({ path, code })),
  ),
  { path: OTHER_CONFIG, code: readFileSync(join(ROOT, OTHER_CONFIG), "utf8") },
].map((example, number) => ({
  ...example,
  file: join(ROOT, "test", "docs", `example-${number}.ts`),
}));

const errors = typecheck(new Map(EXAMPLES.map(({ file, code }) => [file, complete(code)])));

test("there are examples to check", () => expect(EXAMPLES.length).toBeGreaterThan(6));

test.each(EXAMPLES)("$path: the types know what $code has", ({ file }) => {
  expect(errors.get(file)).toEqual([]);
});

test(`${OTHER_CONFIG} makes what its site needs`, async () => {
  const { config } = await import(pathToFileURL(join(ROOT, OTHER_CONFIG)).href);
  const terraform = synthesize(config);

  expect(problemsOf(config)).toEqual([]);
  for (const part of [
    "postgresql_cluster",
    "storage_bucket",
    "album-tasks-heavy",
    "album-schedule",
  ])
    expect(terraform).toContain(part);
});

/** What an example leaves out: imports, and the rest of `config.ts` or of a stack. */
function complete(code: string): string {
  const config = 'import type { Config } from "../../stacks/config-schema.ts";';
  if (code.startsWith("import ")) return code.replaceAll('from "./', 'from "../../');
  if (code.includes("export const config")) return `${config}\n${code}`;
  if (!code.startsWith("new ")) {
    return `${config}\nexport const config: Config = {\nproject: "x", celeryApp: "x:x",\n${code}};`;
  }
  return `
    import { TerraformStack, type TerraformVariable } from "cdktf";
    import { CeleryApp } from "../../constructs/celery-app.ts";
    declare const image: TerraformVariable;
    export class Stack extends TerraformStack { define() { ${code} } }`;
}

/** The errors of each file, by the compiler's options for this project. */
function typecheck(files: ReadonlyMap<string, string>): Map<string, string[]> {
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.getSourceFile = (name, target, ...rest) => {
    const text = files.get(name);
    if (text === undefined) return getSourceFile(name, target, ...rest);
    return ts.createSourceFile(name, text, target);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return new Map(
    [...files.keys()].map((name) => {
      const source = program.getSourceFile(name);
      const found = [
        ...program.getSyntacticDiagnostics(source),
        ...program.getSemanticDiagnostics(source),
      ];
      const real = found.filter(({ code }) => code !== DUPLICATE_PROPERTY);
      return [
        name,
        real.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
      ];
    }),
  );
}
