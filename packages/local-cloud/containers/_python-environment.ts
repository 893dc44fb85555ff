import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { waitForLock } from "../support/lock.ts";
import { type ProgramResult, runProgram, withLastLines } from "../support/run-program.ts";
import { hashText } from "./_hash.ts";
import { hashLeadingTo, isUnchanged, listInstalled } from "./_installed-from.ts";
import { describeStep, findInstaller } from "./_python-installer.ts";
import { findRequirements, type Requirements } from "./_requirements.ts";
import {
  describeWanted,
  findWantedPython,
  namesOfPythons,
  suits,
  type WantedPython,
} from "./_wanted-python.ts";
import type { Preparation } from "./launcher.ts";

/** What a Python environment is created from, and where. */
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

const VERSION =
  "import sys, venv; print(sys.executable); print(sys.version_info[:2] >= (3, 10)); print(sys.version)";
const NO_VENV =
  "That interpreter has no complete venv. Install it (on Debian and Ubuntu: `apt install python3-venv`), or choose another interpreter with --python PATH.";
const OTHERWISE =
  "If it needs what only the image has (system libraries, another Python), use --docker, which runs the containers as images.";

/**
 * The folder of a Python environment with everything that the requirements name, created unless it is
 * there. One that was not finished, or whose local packages have changed, is created again; older ones
 * of the same sources are removed.
 */
export async function makeEnvironment(options: EnvironmentOptions): Promise<string> {
  const { source, dockerfile = "Dockerfile" } = options;
  const { requirements, prefix, suffix } = locate(options);
  const wanted = findWantedPython(source, dockerfile);
  const python = await findPython(options.python, wanted);
  const folder = join(resolve(options.cache), `${prefix}${hashText(python.version)}${suffix}`);
  const mismatch = describeMismatch(python, wanted);
  if (mismatch !== undefined) options.warn?.(mismatch);
  if (isDone(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const onWait = () =>
    options.progress?.("waiting for another run that creates the same environment");
  const unlock = await waitForLock(`${folder}.lock`, { onWait, signal: options.signal });
  try {
    if (!isDone(folder)) await make(folder, { ...options, python, requirements, mismatch });
    removeOlder(folder, prefix);
  } finally {
    unlock();
  }
  return folder;
}

/** The environment of these sources, with any Python, if it is up to date. Creates nothing. */
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
  const prefix = `venv-${hashText(join(source, requirements.file))}-`;
  return { requirements, prefix, suffix: hashLeadingTo(source, requirements.file) };
}

/** A Python that was found on this machine. */
interface Interpreter {
  readonly path: string;
  readonly version: string;
}

interface Making extends Omit<EnvironmentOptions, "python" | "requirements"> {
  readonly python: Interpreter;
  readonly requirements: Requirements;
  readonly mismatch: string | undefined;
}

async function findPython(
  given: string | undefined,
  wanted: WantedPython | undefined,
): Promise<Interpreter> {
  const names = given === undefined ? namesOfPythons(wanted) : [given];
  let second: Interpreter | undefined;
  let last: Interpreter | undefined;
  for (const name of names) {
    const { code, lines } = await runProgram(name, ["-c", VERSION]);
    const [path, recent, ...version] = lines;
    if (code !== 0 || path === undefined || recent !== "True") continue;
    const found = { path, version: version.join(" ") };
    if (given !== undefined || suits(found.version, wanted)) return found;
    if (wanted?.otherwise && suits(found.version, wanted.otherwise)) second ??= found;
    last ??= found;
  }
  const other = second ?? last;
  if (other !== undefined) return other;
  throw new Error(
    `Python 3.10 or newer with venv was not found (tried ${names.join(", ")}). Install it (on Debian and Ubuntu: \`apt install python3 python3-venv\`), or run the containers as images with --docker.`,
  );
}

function describeMismatch(
  { path, version }: Interpreter,
  wanted: WantedPython | undefined,
): string | undefined {
  if (wanted === undefined || suits(version, wanted)) return undefined;
  const [number] = version.split(" ");
  return `Python ${number} (${path}) is used, but the project requires ${describeWanted(wanted)}. Install python3.${wanted.minor}, choose an interpreter with --python PATH, or use the image's own: --docker`;
}

async function make(folder: string, making: Making): Promise<void> {
  const { source, cache, python, requirements, progress = () => {}, signal } = making;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  progress("creating a Python environment");
  const onLine = (line: string) => {
    const step = describeStep(line);
    if (step !== undefined) progress(step);
  };
  // Wherever a variable of the user's own would lead it.
  const env = { ...process.env, UV_PROJECT_ENVIRONMENT: folder, UV_PYTHON_DOWNLOADS: "never" };
  const need = async (program: string, args: readonly string[]) => {
    const result = await runProgram(program, args, { cwd: source, signal, onLine, env });
    signal?.throwIfAborted();
    if (result.code !== 0) throw makingFailed([program, ...args], result, making);
  };
  const own = join(folder, "bin", "python");
  const target = { requirements, own, python, cache, progress, need };
  const { program, args, fromOutside } = await findInstaller(target);
  await need(python.path, ["-m", "venv", ...(fromOutside ? ["--without-pip"] : []), folder]);
  await need(program, args);
  writeFileSync(join(folder, "done"), JSON.stringify(listInstalled(folder)));
}

function makingFailed(
  [program = "", ...args]: readonly string[],
  { code, lines }: ProgramResult,
  { source, requirements, mismatch }: Making,
): Error {
  const command = [basename(program), ...args].join(" ");
  const usual = args.includes("venv")
    ? NO_VENV
    : `Fix ${requirements.file} and start again. ${OTHERWISE}`;
  const advice = mismatch === undefined ? usual : `${mismatch}.`;
  return new Error(
    withLastLines(
      `The Python environment of ${source} could not be created: ${command} exited with code ${code}. ${advice}`,
      lines,
    ),
  );
}

/** Whether an environment is complete, and what it was created from has not changed. */
function isDone(folder: string): boolean {
  const file = join(folder, "done");
  return existsSync(file) && isUnchanged(readFileSync(file, "utf8"));
}

function removeOlder(folder: string, prefix: string): void {
  for (const name of readdirSync(dirname(folder))) {
    const other = name.startsWith(prefix) && !name.startsWith(basename(folder));
    if (other) rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
}
