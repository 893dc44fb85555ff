import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const SOURCES = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(SOURCES, "../../..");
const SCHEMA = join(ROOT, "packages/provider-yandex/schema/yandex.json");
const HOSTS = ["registry.terraform.io", "registry.opentofu.org"];
const VERSION = "0.220.0";

const CACHE = join(ROOT, "node_modules/.cache/stand-in-provider");

/**
 * Builds the provider into a mirror of the registry, once for each state of its sources, and gives
 * back the path of the configuration that leads terraform there.
 */
export function installProvider(cache = CACHE): string {
  const target = join(cache, sourceHash());
  const config = join(target, "terraform.tfrc");
  if (existsSync(config)) return config;
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, "new-"));
  layOut(fresh, target);
  try {
    renameSync(fresh, target);
  } catch (error) {
    // Another test file was faster.
    rmSync(fresh, { recursive: true });
    if (!existsSync(config)) throw error;
  }
  return config;
}

function layOut(fresh: string, target: string): void {
  buildSync({
    entryPoints: [join(SOURCES, "main.ts")],
    outfile: join(fresh, "provider.cjs"),
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    logLevel: "warning",
  });
  copyFileSync(SCHEMA, join(fresh, "yandex.json"));
  for (const file of ["plugin.proto", "controller.proto"]) {
    copyFileSync(join(SOURCES, file), join(fresh, file));
  }
  for (const host of HOSTS) writeMirror(fresh, target, host);
  const mirror = `filesystem_mirror {\n    path = ${JSON.stringify(join(target, "mirror"))}\n  }`;
  writeFileSync(join(fresh, "terraform.tfrc"), `provider_installation {\n  ${mirror}\n}\n`);
}

function writeMirror(fresh: string, target: string, host: string): void {
  const platform = `${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}`;
  const dir = join(fresh, "mirror", host, "yandex-cloud/yandex", VERSION, platform);
  mkdirSync(dir, { recursive: true });
  const command = `exec ${quoted(process.execPath)} ${quoted(join(target, "provider.cjs"))}`;
  const file = join(dir, `terraform-provider-yandex_v${VERSION}`);
  writeFileSync(file, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
}

function sourceHash(): string {
  const hash = createHash("sha256").update(process.execPath);
  const own = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((it) =>
    /\.(ts|proto)$/.test(it),
  );
  const files = [
    ...own.sort().map((it) => join(SOURCES, it)),
    join(SOURCES, "../state.ts"),
    SCHEMA,
  ];
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
