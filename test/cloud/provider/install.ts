import { spawn } from "node:child_process";
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
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
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

let hosted: string | undefined;

/**
 * Starts the host of the providers, once for this process, with which it ends. Returns the file that will
 * have its port; until it has, a provider that terraform starts is a process of its own.
 */
export function hostProviders(): string {
  if (hosted !== undefined) return hosted;
  hosted = join(mkdtempSync(join(tmpdir(), "providers-")), "port");
  const provider = join(dirname(installProvider()), "provider.cjs");
  const child = spawn(process.execPath, [provider, "host", hosted], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.unref();
  (child.stdin as Socket).unref();
  return hosted;
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
  const file = join(dir, `terraform-provider-yandex_v${VERSION}`);
  writeFileSync(file, launcher(join(target, "provider.cjs")), { mode: 0o755 });
}

/** Asks the host for a provider, where there is one; else becomes one. */
function launcher(provider: string): string {
  return `#!/usr/bin/env bash
if [ -s "$CLOUD_PROVIDERS" ] && { exec 3<>"/dev/tcp/127.0.0.1/$(<"$CLOUD_PROVIDERS")"; } 2>/dev/null; then
  trap '' INT
  { printf '%s %s\\0' "$$" "$PPID"; env -0; printf '\\0'; } >&3
  if IFS= read -r handshake <&3; then
    echo "$handshake"
    read -r _ <&3
    exit 0
  fi
fi
exec ${quoted(process.execPath)} ${quoted(provider)}
`;
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
