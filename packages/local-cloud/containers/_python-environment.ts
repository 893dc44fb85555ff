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
import { hashLeadingTo, type Installed, isUnchanged, listInstalled } from "./_installed-from.ts";
import type { Preparation } from "./_launcher.ts";
import { findRequirements, type Requirements } from "./_requirements.ts";
import { type RunOptions, run } from "./_run-program.ts";
import {
  describeWanted,
  findWantedPython,
  namesOfPythons,
  suits,
  type WantedPython,
} from "./_wanted-python.ts";

export interface EnvironmentOptions extends Partial<Preparation> {
  /** Folder with the sources, absolute. */
  readonly source: string;
  /** Relative to the source. @default - what is found there */
  readonly requirements?: string | undefined;
  /** Relative to the source; it says which Python the image has. @default "Dockerfile" */
  readonly dockerfile?: string | undefined;
  /** Folder that holds environments. */
  readonly cache: string;
  /** Interpreter, by name or path. @default - one that suits the project, else `python3` */
  readonly python?: string | undefined;
}

const FAILURE_LINES = 15;
const PIP_OPTIONS = ["--disable-pip-version-check", "--no-input", "--no-color"];
// 22.3, from which on `--python` is known.
const PIP_THAT_REACHES_OUT = 22.03;
const UV = "uv==0.13.9";
const VERSION =
  "import sys, venv; print(sys.executable); print(sys.version_info[:2] >= (3, 10)); print(sys.version)";
const OTHERWISE =
  "What only an image has (system libraries, another Python) comes with --docker, which runs the containers as images.";

/**
 * The folder of a Python environment with everything that the requirements name, made unless it is
 * there. One that was not finished, or whose local packages have changed, is made again; older ones
 * of the same sources are removed.
 */
export async function makeEnvironment(options: EnvironmentOptions): Promise<string> {
  const { source, dockerfile = "Dockerfile" } = options;
  const { requirements, prefix, suffix } = locate(options);
  const wanted = findWantedPython(source, dockerfile);
  const python = await findPython(options.python, wanted);
  const folder = join(resolve(options.cache), `${prefix}${digitsOf(python.version)}${suffix}`);
  const mismatch = describeMismatch(python, wanted);
  if (mismatch !== undefined) options.warn?.(mismatch);
  if (isDone(folder)) return folder;
  const unlock = await lock(`${folder}.lock`, options);
  try {
    if (!isDone(folder)) await make(folder, { ...options, python, requirements, mismatch });
    removeOlder(folder, prefix);
  } finally {
    unlock();
  }
  return folder;
}

/** What was made of these sources, by whatever Python, if it is up to date; makes nothing. */
export function findEnvironment(options: EnvironmentOptions): string | undefined {
  const { prefix, suffix } = locate(options);
  const cache = resolve(options.cache);
  const names = existsSync(cache) ? readdirSync(cache) : [];
  return names
    .filter((name) => name.startsWith(prefix) && name.endsWith(suffix))
    .map((name) => join(cache, name))
    .find(isDone);
}

/** What an environment of these sources is called, around its Python's version. */
function locate({ source, ...options }: EnvironmentOptions) {
  const requirements = findRequirements(source, options.requirements);
  const prefix = `venv-${digitsOf(join(source, requirements.file))}-`;
  return { requirements, prefix, suffix: hashLeadingTo(source, requirements.file) };
}

interface Python {
  readonly path: string;
  readonly version: string;
}

interface Making extends Omit<EnvironmentOptions, "python" | "requirements"> {
  readonly python: Python;
  readonly requirements: Requirements;
  readonly mismatch: string | undefined;
}

async function findPython(
  given: string | undefined,
  wanted: WantedPython | undefined,
): Promise<Python> {
  const names = given === undefined ? namesOfPythons(wanted) : [given];
  let second: Python | undefined;
  for (const name of names) {
    const { code, lines } = await run(name, ["-c", VERSION]);
    const [path, recent, ...version] = lines;
    if (code !== 0 || path === undefined || recent !== "True") continue;
    const found = { path, version: version.join(" ") };
    if (given !== undefined || suits(found.version, wanted)) return found;
    second ??= found;
  }
  if (second !== undefined) return second;
  throw new Error(
    `Python 3.10 or newer with venv was not found (tried ${names.join(", ")}). Install it (on Debian and Ubuntu: \`apt install python3 python3-venv\`), or run the containers as images: --docker.`,
  );
}

function describeMismatch(
  { path, version }: Python,
  wanted: WantedPython | undefined,
): string | undefined {
  if (wanted === undefined || suits(version, wanted)) return undefined;
  const [number] = version.split(" ");
  return `Python ${number} (${path}) is used here, and the project wants ${describeWanted(wanted)}. Install python3.${wanted.minor}, or choose an interpreter by --python PATH, or run the image's own: --docker`;
}

async function make(folder: string, making: Making): Promise<void> {
  const { source, python, progress = () => {}, signal } = making;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  progress("making a Python environment");
  const own = join(folder, "bin", "python");
  const install = await findInstaller(own, making);
  const plain = install.fromOutside ? ["--without-pip"] : [];
  await need(python.path, ["-m", "venv", ...plain, folder], { cwd: source, signal }, making);
  const onLine = (line: string) => {
    const step = describeStep(line);
    if (step !== undefined) progress(step);
  };
  // Wherever a variable of the user's own would lead it.
  const env = { ...process.env, UV_PROJECT_ENVIRONMENT: folder, UV_PYTHON_DOWNLOADS: "never" };
  const options = { cwd: source, signal, onLine, env };
  await need(install.program, install.args, options, making);
  writeFileSync(join(folder, "done"), JSON.stringify(listInstalled(folder)));
}

interface Installer {
  readonly program: string;
  readonly args: readonly string[];
  /** Whether it does without a pip in the environment, which takes seconds to make. */
  readonly fromOutside: boolean;
}

/** What installs into an environment: each file is read by whoever reads it in an image, too. */
async function findInstaller(own: string, making: Making): Promise<Installer> {
  const { requirements, python } = making;
  const { file, kind } = requirements;
  const hasUv = (await run("uv", ["--version"])).code === 0;
  const uv = (program: string): Installer => ({
    program,
    args:
      kind === "lock"
        ? ["sync", "--frozen", "--no-dev", "--python", own]
        : ["pip", "install", "--python", own, "-r", file],
    fromOutside: true,
  });
  if (hasUv) return uv("uv");
  if (kind !== "requirements") return uv(await installUv(making));
  const { lines } = await run(python.path, ["-m", "pip", "--version"]);
  const [, major, minor] = /^pip (\d+)\.(\d+)/.exec(lines[0] ?? "") ?? [];
  const fromOutside = Number(major) + Number(minor) / 100 >= PIP_THAT_REACHES_OUT;
  const args = ["install", ...PIP_OPTIONS, "-r", file];
  return fromOutside
    ? { program: python.path, args: ["-m", "pip", "--python", own, ...args], fromOutside }
    : { program: own, args: ["-m", "pip", ...args], fromOutside };
}

/** A uv of our own, which alone reads pyproject.toml and uv.lock. */
async function installUv(making: Making): Promise<string> {
  const { cache, source, python, progress = () => {}, signal } = making;
  const folder = join(resolve(cache), `uv-${digitsOf(`${UV} ${python.version}`)}`);
  const program = join(folder, "bin", "uv");
  if (isDone(folder)) return program;
  progress("installing uv, which reads this project's requirements");
  rmSync(folder, { recursive: true, force: true });
  const options = { cwd: source, signal };
  await need(python.path, ["-m", "venv", folder], options, making);
  const pip = ["-m", "pip", "install", ...PIP_OPTIONS, UV];
  await need(join(folder, "bin", "python"), pip, options, making);
  writeFileSync(join(folder, "done"), "{}");
  return program;
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
  { requirements, mismatch }: Making,
): Promise<void> {
  const { code, lines } = await run(program, args, options);
  options.signal?.throwIfAborted();
  if (code === 0) return;
  const last = lines.filter((line) => line.trim() !== "").slice(-FAILURE_LINES);
  const advice = mismatch === undefined ? OTHERWISE : `${mismatch}.`;
  throw new Error(
    [
      `The Python environment of ${options.cwd} could not be made: ${[basename(program), ...args].join(" ")} exited with code ${code}. Fix ${requirements.file} and start again. ${advice} Its last lines:`,
      ...last.map((line) => `  ${line}`),
    ].join("\n"),
  );
}

function digitsOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}

/** Whether an environment was finished, and what it was made from lies there as it did. */
function isDone(folder: string): boolean {
  const file = join(folder, "done");
  return existsSync(file) && isUnchanged(JSON.parse(readFileSync(file, "utf8")) as Installed);
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
