// Runs a TypeScript entry point on any supported Node: bundles the project's own sources (tens of
// milliseconds), leaves packages where they are, imports the result. Not tsx or ts-node: both cost
// several times as much at start-up, and synth and every command pass through here.
import { existsSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
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
const outfile = join(root, "node_modules", ".cache", "run", `${process.pid}.mjs`);
process.on("exit", () => rmSync(outfile, { force: true }));
process.chdir(root);
// Source maps are for the developer: they cost a tenth of a synth.
if (process.env.DEBUG) process.setSourceMapsEnabled(true);
await build({
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
}).catch(() => process.exit(1));
process.argv = [process.argv[0], resolve(root, entry), ...args];
await import(pathToFileURL(outfile).href).catch(fail);

// An Error is a message to the user; anything more special is a mistake in the code.
function fail(error) {
  console.error(error?.name === "Error" && !process.env.DEBUG ? error.message : error);
  process.exitCode = 1;
}
