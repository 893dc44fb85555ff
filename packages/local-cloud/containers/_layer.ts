import { createHash, randomUUID } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { runProgram, withLastLines } from "../support/run-program.ts";
import { hasUv, PIP_OPTIONS } from "./_python-installer.ts";
import type { Preparation } from "./launcher.ts";

const PACKAGE = join("packages", "celery-push-worker");
const INSTALL = ["install", "--no-deps", "--require-hashes", "--only-binary=:all:"];

/** What a layer is created from, and where. */
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
  const { own, modules, lists, fallback, folder } = locate(options);
  if (!existsSync(fallback)) {
    options.progress("installing the worker's dependencies that the project may lack");
    await make(fallback, async (making) => {
      for (const list of lists) {
        const target = join(making, basename(list, ".txt"));
        mkdirSync(target, { recursive: true });
        await install(list, target, options);
      }
    });
  }
  if (existsSync(folder)) return folder;
  return make(folder, (making) => {
    cpSync(own, join(making, "own"), { recursive: true });
    symlinkSync(modules, join(making, "own", "celery_push_worker"));
    symlinkSync(fallback, join(making, "fallback"));
  });
}

/** The same folder if it is there; makes nothing. */
export function findLayer(options: Pick<LayerOptions, "root" | "cache">): string | undefined {
  const { folder } = locate(options);
  return existsSync(folder) ? folder : undefined;
}

/** What a layer is created from, and where it belongs. The fallback is the same for all projects. */
function locate({ root, cache }: Pick<LayerOptions, "root" | "cache">) {
  const source = resolve(root, PACKAGE);
  const description = join(source, "layer");
  if (!existsSync(description)) {
    throw new Error(`${description} does not exist. Restore it: containers need it.`);
  }
  const files = readdirSync(description).filter((name) => name.endsWith(".txt"));
  const lists = files.sort().map((name) => join(description, name));
  const fallback = join(resolve(cache), `fallback-${hashOf(...lists)}`);
  const own = join(description, "own");
  const [info = ""] = readdirSync(own);
  const entries = join(own, info, "entry_points.txt");
  const folder = join(resolve(cache), `layer-${hashOf(source, entries)}-${basename(fallback)}`);
  return { own, modules: join(source, "src", "celery_push_worker"), lists, fallback, folder };
}

/** Makes a folder that is there only when it is whole. */
async function make(
  folder: string,
  fill: (making: string) => void | Promise<void>,
): Promise<string> {
  const making = `${folder}.${randomUUID()}`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  await fill(making);
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
  const { code, lines } = await runProgram(program, [...args, ...more], { signal });
  signal.throwIfAborted();
  if (code === 0) return;
  const command = [program, ...args].join(" ");
  throw new Error(
    withLastLines(`${file} could not be installed: ${command} exited with code ${code}.`, lines),
  );
}

async function findInstaller(environment: string): Promise<readonly string[]> {
  const own = join(environment, "bin", "python");
  if (await hasUv()) return ["uv", "pip", ...INSTALL, "--python", own];
  for (const python of [own, "python3", "python"]) {
    const { code } = await runProgram(python, ["-m", "pip", "--version"]);
    if (code === 0) return [python, "-m", "pip", ...INSTALL, ...PIP_OPTIONS];
  }
  throw new Error(
    "pip was not found. Install it (on Debian and Ubuntu: `apt install python3-pip`), or uv.",
  );
}

/** Of names and of what lies there. */
function hashOf(...paths: readonly string[]): string {
  const hash = createHash("sha256");
  for (const path of paths) {
    hash.update(statSync(path).isDirectory() ? path : readFileSync(path));
  }
  return hash.digest("hex").slice(0, 12);
}
