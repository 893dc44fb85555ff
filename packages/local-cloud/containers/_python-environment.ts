import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readRequirements } from "./_requirements.ts";
import { type RunOptions, run } from "./_run.ts";
import type { Preparation } from "./_runtime.ts";

export interface EnvironmentOptions extends Partial<Preparation> {
  /** Folder with the sources, absolute. */
  readonly source: string;
  /** Relative to the source. */
  readonly requirements: string;
  /** Folder that holds environments. */
  readonly cache: string;
  /** Interpreter, by name or path. @default - `python3`, else `python` */
  readonly python?: string | undefined;
}

const FAILURE_LINES = 15;
const PIP_OPTIONS = ["--disable-pip-version-check", "--no-input", "--no-color"];
// 22.3, from which on `--python` is known.
const PIP_THAT_REACHES_OUT = 22.03;
const VERSION =
  "import sys, venv; print(sys.executable); print(sys.version_info[:2] >= (3, 10)); print(sys.version)";

/**
 * The folder of a Python environment with everything that the requirements name, made unless it is
 * there. One that was not finished is made again; older ones of the same sources are removed.
 */
export async function makeEnvironment(options: EnvironmentOptions): Promise<string> {
  const python = await findPython(options.python);
  const requirements = readRequirements(options.source, options.requirements);
  const of = digitsOf(join(options.source, options.requirements));
  const version = digitsOf(python.version);
  const folder = join(resolve(options.cache), `venv-${of}-${version}${requirements.hash}`);
  if (isDone(folder)) return folder;
  const unlock = await lock(`${folder}.lock`, options);
  try {
    if (!isDone(folder)) await make(folder, python.path, requirements.text, options);
    removeOlder(folder, `venv-${of}-`);
  } finally {
    unlock();
  }
  return folder;
}

interface Python {
  readonly path: string;
  readonly version: string;
}

async function findPython(given: string | undefined): Promise<Python> {
  const names = given === undefined ? ["python3", "python"] : [given];
  for (const name of names) {
    const { code, lines } = await run(name, ["-c", VERSION]);
    const [path, recent, ...version] = lines;
    if (code === 0 && path !== undefined && recent === "True") {
      return { path, version: version.join(" ") };
    }
  }
  throw new Error(
    `Python 3.10 or newer with venv was not found (tried ${names.join(", ")}). Install it (on Debian and Ubuntu: \`apt install python3 python3-venv\`), or run the containers as images: --docker.`,
  );
}

async function make(
  folder: string,
  python: string,
  requirements: string,
  { source, progress = () => {}, signal }: EnvironmentOptions,
): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "requirements.txt");
  writeFileSync(file, requirements);
  progress("making a Python environment");
  const own = join(folder, "bin", "python");
  const installer = await findInstaller(python, own);
  const plain = installer === undefined ? [] : ["--without-pip"];
  await need(python, ["-m", "venv", ...plain, folder], { cwd: source, signal });
  const [program = own, ...args] = installer ?? [own, "-m", "pip", "install", ...PIP_OPTIONS];
  const onLine = (line: string) => {
    const step = describeStep(line);
    if (step !== undefined) progress(step);
  };
  await need(program, [...args, "-r", file], { cwd: source, signal, onLine });
  writeFileSync(join(folder, "done"), "");
}

/** What installs into an environment from outside of it, since a pip inside takes seconds to make. */
async function findInstaller(python: string, own: string): Promise<string[] | undefined> {
  if ((await run("uv", ["--version"])).code === 0) return ["uv", "pip", "install", "--python", own];
  const { lines } = await run(python, ["-m", "pip", "--version"]);
  const [, major, minor] = /^pip (\d+)\.(\d+)/.exec(lines[0] ?? "") ?? [];
  const reachesOut = Number(major) + Number(minor) / 100 >= PIP_THAT_REACHES_OUT;
  return reachesOut ? [python, "-m", "pip", "--python", own, "install", ...PIP_OPTIONS] : undefined;
}

/** What pip or uv is at, as far as it takes time. */
function describeStep(line: string): string | undefined {
  const [, name] = /^Collecting ([\w.-]+)/.exec(line) ?? [];
  if (name !== undefined) return `collecting ${name}`;
  const [, wheel] = /^\s*Building (?:wheel|editable) for ([\w.-]+) .*started/.exec(line) ?? [];
  if (wheel !== undefined) return `building ${wheel}`;
  return /^(?:Installing collected|Resolved|Prepared) /.test(line)
    ? "installing packages"
    : undefined;
}

async function need(
  program: string,
  args: readonly string[],
  options: RunOptions & { readonly cwd: string },
): Promise<void> {
  const { code, lines } = await run(program, args, options);
  options.signal?.throwIfAborted();
  if (code === 0) return;
  const last = lines.filter((line) => line.trim() !== "").slice(-FAILURE_LINES);
  throw new Error(
    [
      `The Python environment of ${options.cwd} could not be made: ${[basename(program), ...args].join(" ")} exited with code ${code}. Mend its requirements and start again. Its last lines:`,
      ...last.map((line) => `  ${line}`),
    ].join("\n"),
  );
}

function digitsOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}

function isDone(folder: string): boolean {
  return existsSync(join(folder, "done"));
}

/** Waits for whoever makes the same environment; one that died meanwhile is not waited for. */
async function lock(
  path: string,
  { progress = () => {}, signal }: Partial<Preparation>,
): Promise<() => void> {
  mkdirSync(dirname(path), { recursive: true });
  for (let told = false; ; told = true) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return () => rmSync(path, { force: true });
    } catch {
      if (!told) progress("waiting for another run that makes the same environment");
    }
    if (isAbandoned(path)) rmSync(path, { force: true });
    else await sleep(200, undefined, { signal });
  }
}

function isAbandoned(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    // One that was just made may still be empty.
    if (pid === 0) return Date.now() - statSync(path).mtimeMs > 1000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // Alive, yet not ours to signal; or the lock has just been given back.
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function removeOlder(folder: string, prefix: string): void {
  for (const name of readdirSync(dirname(folder))) {
    const other = name.startsWith(prefix) && !name.startsWith(basename(folder));
    if (other) rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
}
