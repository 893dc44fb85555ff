// Synth against what `cdktf init` and `cdktf get` set up: the same resources, bindings as sources in
// .gen (there is no published package of them), the template's cdktf.json (ts-node).
// Pairs, one after the other on the same machine, medians: `npm run bench [runs]`.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

const RUNS = Number(process.argv[2] ?? 7);
const TEMPLATE = join("node_modules", ".cache", "bench-template");
const CDKTF = join(process.cwd(), "node_modules", ".bin", "cdktf");
const env: NodeJS.ProcessEnv = {
  ...process.env,
  CHECKPOINT_DISABLE: "1",
  DISABLE_VERSION_CHECK: "1",
};
// Where it names a file that does not exist, terraform complains at each of the CLI's calls.
delete env.TF_CLI_CONFIG_FILE;

type Variant = { readonly name: string; readonly run: () => void };

const template: Variant = {
  name: "template: cdktf synth (npx ts-node main.ts)",
  run: () => run(CDKTF, ["synth"], TEMPLATE),
};
const ours: Variant = { name: "npm run synth", run: () => run("npm", ["run", "synth"], ".") };
const oursByCli: Variant = {
  name: "cdktf synth (our cdktf.json)",
  run: () => run(CDKTF, ["synth"], "."),
};

ours.run();
makeTemplate();
compare(template, ours, 8);
compare(template, oursByCli, 1.5);

function compare(slow: Variant, fast: Variant, wanted: number): void {
  slow.run();
  fast.run();
  const pairs = Array.from({ length: RUNS }, () => [time(slow), time(fast)] as const);
  const ratio = median(pairs.map(([a, b]) => a / b));
  console.log(`${slow.name}: median ${median(pairs.map(([a]) => a)).toFixed(2)} s`);
  console.log(`${fast.name}: median ${median(pairs.map(([, b]) => b)).toFixed(2)} s`);
  console.log(`ratio, median of ${RUNS} pairs: ${ratio.toFixed(1)} (wanted: ${wanted})\n`);
}

function time({ run }: Variant): number {
  const start = performance.now();
  run();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, env, stdio: ["ignore", "ignore", "inherit"] });
}

/** A project as `cdktf init --template=typescript` makes it, with the resources of our stacks. */
function makeTemplate(): void {
  rmSync(TEMPLATE, { recursive: true, force: true });
  mkdirSync(TEMPLATE, { recursive: true });
  const write = (file: string, text: string) => writeFileSync(join(TEMPLATE, file), text);
  const cdktfJson = JSON.parse(readFileSync("cdktf.json", "utf8")) as object;
  write("cdktf.json", JSON.stringify({ ...cdktfJson, app: "npx ts-node main.ts" }));
  write("package.json", JSON.stringify({ name: "template", private: true }));
  write(
    "tsconfig.json",
    JSON.stringify({
      compilerOptions: {
        alwaysStrict: true,
        declaration: true,
        experimentalDecorators: true,
        inlineSourceMap: true,
        inlineSources: true,
        lib: ["es2018"],
        module: "CommonJS",
        strict: true,
        target: "ES2018",
        skipLibCheck: true,
        resolveJsonModule: true,
        esModuleInterop: true,
      },
      include: ["**/*.ts"],
      exclude: ["node_modules"],
    }),
  );
  cpSync("packages/provider-yandex/src", join(TEMPLATE, ".gen", "providers", "yandex"), {
    recursive: true,
  });
  write("main.ts", templateMain());
  run(
    "npm",
    ["install", "--no-audit", "--no-fund", "ts-node@10.9.2", "typescript@5.9.3"],
    TEMPLATE,
  );
}

interface Stack {
  readonly resource: Record<string, Record<string, Record<string, unknown>>>;
}

function templateMain(): string {
  const imports = new Set<string>();
  const stacks = ["registry", "app"].map((id) => {
    const stack = JSON.parse(readFileSync(`cdktf.out/stacks/${id}/cdk.tf.json`, "utf8")) as Stack;
    const types = Object.entries(stack.resource).filter(([type]) => type.startsWith("yandex_"));
    const lines = types.flatMap(([type, bodies]) => {
      const file = type.replace("yandex_", "").replaceAll("_", "-");
      const name = pascal(type);
      imports.add(`import { ${name} } from "./.gen/providers/yandex/${file}";`);
      return Object.entries(bodies).map(
        ([key, body]) => `new ${name}(${id}, "${key}", ${literal(body)} as any);`,
      );
    });
    return [
      `const ${id} = new TerraformStack(root, "${id}");`,
      `new YandexProvider(${id}, "Yandex");`,
      ...lines,
    ].join("\n");
  });
  return [
    'import { App, TerraformStack } from "cdktf";',
    'import { YandexProvider } from "./.gen/providers/yandex/provider";',
    ...imports,
    "const root = new App();",
    ...stacks,
    "root.synth();",
  ].join("\n");
}

function literal({
  "//": _,
  lifecycle,
  provisioner,
  depends_on,
  ...body
}: Record<string, unknown>): string {
  return JSON.stringify(body, null, 1).replace(/"(\w+)":/g, (_match, key) => `"${camel(key)}":`);
}

function camel(text: string): string {
  return text.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function pascal(type: string): string {
  const name = camel(type.replace("yandex_", ""));
  return name.charAt(0).toUpperCase() + name.slice(1);
}
