// Runs a TypeScript entry point on any supported Node: bundles the project's own sources (tens of
// milliseconds), leaves packages where they are, imports the result. Not tsx or ts-node: both cost
// several times as much at start-up, and synth and every command pass through here.
import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const [entry, ...args] = process.argv.slice(2);
if (!entry || !existsSync(resolve(root, entry))) {
  console.error(
    `usage: node run.mjs <file.ts> [arguments]${entry ? `\n${entry} does not exist` : ""}`,
  );
  process.exit(2);
}

process.chdir(root);
process.setSourceMapsEnabled(true);
const { build } = await import("esbuild");
// One file per process: two commands at once must not overwrite each other's bundle.
const name = createHash("sha256").update(`${entry} ${process.pid}`).digest("hex").slice(0, 12);
const outfile = join(root, "node_modules", ".cache", "run", `${name}.mjs`);
await build({
  entryPoints: [resolve(root, entry)],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  logLevel: "warning",
}).catch(() => process.exit(1));
process.argv = [process.argv[0], resolve(root, entry), ...args];
process.on("exit", removeBundle);
await import(pathToFileURL(outfile).href).catch(fail);

// An Error is a message to the user; anything more special is a mistake in the code.
function fail(error) {
  console.error(error?.name === "Error" && !process.env.DEBUG ? error.message : error);
  process.exitCode = 1;
}

function removeBundle() {
  rmSync(outfile, { force: true });
}
