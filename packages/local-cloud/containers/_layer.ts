import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./_run.ts";
import type { Preparation } from "./_runtime.ts";

const PACKAGE = join("packages", "celery-push-worker");
const FAILURE_LINES = 15;
const INSTALL = ["install", "--no-deps", "--require-hashes", "--only-binary=:all:"];
const PIP_OPTIONS = ["--disable-pip-version-check", "--no-input", "--no-color", "--no-compile"];

export interface LayerOptions extends Preparation {
  /** The project's folder. */
  readonly root: string;
  /** Folder that holds layers. */
  readonly cache: string;
  /** Folder of a Python environment, whose pip is the last resort. */
  readonly environment: string;
}

/**
 * The folder with what is laid on top of an image: in `own` the worker package, linked, so that who
 * changes it runs what they wrote, and in `fallback` what a project may lack.
 */
export async function makeLayer(options: LayerOptions): Promise<string> {
  const { root, cache, progress } = options;
  const source = resolve(root, PACKAGE);
  const description = join(source, "layer");
  if (!existsSync(description)) {
    throw new Error(`${description} does not exist. Restore it: containers are made of it too.`);
  }
  const folder = join(resolve(cache), `layer-${hashOf(source, description)}`);
  if (existsSync(folder)) return folder;
  progress("installing what the project may lack");
  const making = `${folder}.${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  cpSync(join(description, "own"), join(making, "own"), { recursive: true });
  const modules = join(source, "src", "celery_push_worker");
  symlinkSync(modules, join(making, "own", "celery_push_worker"));
  for (const file of requirementsIn(description)) {
    const target = join(making, "fallback", file.replace(/\.txt$/, ""));
    mkdirSync(target, { recursive: true });
    await install(join(description, file), target, options);
  }
  keep(making, folder);
  return folder;
}

// Another run may have been quicker.
function keep(made: string, folder: string): void {
  try {
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

async function install(
  file: string,
  target: string,
  { environment, signal }: LayerOptions,
): Promise<void> {
  const [program = "", ...args] = await findInstaller(environment);
  const more = ["--target", target, "-r", file];
  const { code, lines } = await run(program, [...args, ...more], { signal });
  signal.throwIfAborted();
  if (code === 0) return;
  throw new Error(
    [
      `${file} could not be installed: ${[program, ...args].join(" ")} exited with code ${code}. Its last lines:`,
      ...lines.slice(-FAILURE_LINES).map((line) => `  ${line}`),
    ].join("\n"),
  );
}

async function findInstaller(environment: string): Promise<readonly string[]> {
  const own = join(environment, "bin", "python");
  if ((await run("uv", ["--version"])).code === 0) {
    return ["uv", "pip", ...INSTALL, "--python", own];
  }
  for (const python of [own, "python3", "python"]) {
    const pip = [python, "-m", "pip"] as const;
    const { code } = await run(python, ["-m", "pip", "--version"]);
    if (code === 0) return [...pip, ...INSTALL, ...PIP_OPTIONS];
  }
  throw new Error(
    "pip was not found. Install it (on Debian and Ubuntu: `apt install python3-pip`), or uv.",
  );
}

function requirementsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .sort();
}

function hashOf(source: string, description: string): string {
  const hash = createHash("sha256").update(source);
  const files = readdirSync(description, { recursive: true, withFileTypes: true });
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
  for (const path of paths.sort()) hash.update(readFileSync(path));
  return hash.digest("hex").slice(0, 12);
}
