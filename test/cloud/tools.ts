import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const cache = join(here, "..", "..", "node_modules", ".cache", "stand-ins");

export type Tool = "yc" | "docker" | "sleep";

/**
 * Puts the stand-ins for `yc`, `docker` and `sleep` into `dir`, which a test puts first on `PATH`.
 * They want `CLOUD_DIR` in the environment. The bundles are kept per version of the sources.
 */
export function installTools(
  dir: string,
  tools: readonly Tool[] = ["yc", "docker", "sleep"],
): void {
  mkdirSync(dir, { recursive: true });
  for (const tool of tools) {
    const file = join(dir, tool);
    const unfinished = `${file}.${process.pid}`;
    const command = `exec "${process.execPath}" "${bundle(tool)}" "$@"`;
    writeFileSync(unfinished, `#!/bin/sh\n${command}\n`);
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, file);
  }
}

function bundle(tool: Tool): string {
  const file = join(cache, sourceHash(), `${tool}.mjs`);
  if (existsSync(file)) return file;
  const unfinished = `${file}.${process.pid}`;
  buildSync({
    entryPoints: [join(here, `${tool}.ts`)],
    outfile: unfinished,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  renameSync(unfinished, file);
  return file;
}

function sourceHash(): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(here, { recursive: true, encoding: "utf8" }).sort()) {
    if (name.endsWith(".ts") && !/^provider\/(?!configure)|^http|\.test\.ts$/.test(name)) {
      hash.update(name).update(readFileSync(join(here, name)));
    }
  }
  return hash.digest("hex").slice(0, 12);
}
