// Runs a TypeScript entry point on any supported Node: bundles the project's own sources (tens of
// milliseconds), leaves packages where they are, imports the result. Not tsx or ts-node: both cost
// several times as much at start-up, and synth and every command pass through here.
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
refuseOldNode(engines.node.replace(">=", ""));
// The framework calls a function that Node 22 and newer call deprecated; only the framework can fix that.
const { emitWarning } = process;
process.emitWarning = (...args) => args.includes("DEP0044") || emitWarning(...args);
const { build } = await import("esbuild");

const [entry, ...args] = process.argv.slice(2);
if (!entry || !existsSync(resolve(root, entry))) {
  console.error(
    `usage: node run.mjs <file.ts> [arguments]${entry ? `\n${entry} does not exist` : ""}`,
  );
  process.exit(2);
}

// Importing a CommonJS package parses each of its files twice; requiring it does not.
const requireFramework = {
  name: "require-framework",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(cdktf|constructs|@cdktf\/.*)$/ }, ({ path, kind }) =>
      kind === "require-call" ? { path, external: true } : { path, namespace: "require" },
    );
    onLoad({ filter: /.*/, namespace: "require" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

// One file per process: two commands at once must not overwrite each other's bundle.
const directory = join(root, "node_modules", ".cache", "run");
refuseReadOnly(directory);
const outfile = join(directory, `${process.pid}.mjs`);
process.on("exit", () => rmSync(outfile, { force: true }));
process.chdir(root);
// Source maps are for the developer: they cost a tenth of a synth.
if (process.env.DEBUG) process.setSourceMapsEnabled(true);
// It stays as long as this process does, and needs none of a shell's secrets.
const { env } = process;
process.env = pick(env, ["PATH", "HOME", "TMPDIR"]);
const building = build({
  entryPoints: [resolve(root, entry)],
  outfile,
  bundle: true,
  packages: "external",
  plugins: [requireFramework],
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: process.env.DEBUG ? "inline" : false,
  logLevel: "warning",
});
process.env = env;
await building.catch(() => process.exit(1));
process.argv = [process.argv[0], resolve(root, entry), ...args];
await import(pathToFileURL(outfile).href).catch(fail);

function pick(variables, names) {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => names.includes(name)));
}

function refuseOldNode(oldest) {
  const found = process.versions.node.split(".").map(Number);
  const parts = oldest.split(".").map((part, index) => found[index] - part);
  if ((parts.find((difference) => difference !== 0) ?? 0) >= 0) return;
  console.error(
    `Node is ${process.versions.node}. Install ${oldest} or newer (https://nodejs.org).`,
  );
  process.exit(1);
}

function refuseReadOnly(directory) {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
  } catch (error) {
    console.error(`${directory} must be writable: the bundled sources go there (${error.code}).`);
    process.exit(1);
  }
}

// An Error is a message to the user; anything more special is a mistake in the code.
function fail(error) {
  console.error(error?.name === "Error" && !process.env.DEBUG ? error.message : error);
  process.exitCode = 1;
}
