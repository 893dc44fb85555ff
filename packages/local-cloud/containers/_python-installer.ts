import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { runProgram } from "../support/run-program.ts";
import { hashText } from "./_hash.ts";
import type { Requirements } from "./_requirements.ts";

/** Options of pip's, for a run that nobody answers. */
export const PIP_OPTIONS = ["--disable-pip-version-check", "--no-input", "--no-color"];

// 22.3, from which on `--python` is known.
const PIP_THAT_REACHES_OUT = 22.03;
const UV = "uv==0.13.9";

/** What installs into a Python environment, and how it is called. */
export interface PythonInstaller {
  readonly program: string;
  readonly args: readonly string[];
  /** Whether it does without a pip in the environment, which takes seconds to make. */
  readonly fromOutside: boolean;
}

/** An environment that is about to be created. */
export interface InstallTarget {
  readonly requirements: Requirements;
  /** Its interpreter. */
  readonly own: string;
  /** The interpreter that it is created with. */
  readonly python: { readonly path: string; readonly version: string };
  /** Folder for a uv of our own. */
  readonly cache: string;
  readonly progress: (step: string) => void;
  /** Runs a program, and rejects when it fails. */
  readonly need: (program: string, args: readonly string[]) => Promise<void>;
}

/** Whether the machine has uv, which is quicker than pip. */
export async function hasUv(): Promise<boolean> {
  return (await runProgram("uv", ["--version"])).code === 0;
}

/** What installs: each file is read by whoever reads it in an image, too. */
export async function findInstaller(target: InstallTarget): Promise<PythonInstaller> {
  const { requirements, own } = target;
  if (await hasUv()) return renderUv("uv", target);
  if (requirements.kind !== "requirements") return renderUv(await installUv(target), target);
  const { path } = target.python;
  const { lines } = await runProgram(path, ["-m", "pip", "--version"]);
  const [, major, minor] = /^pip (\d+)\.(\d+)/.exec(lines[0] ?? "") ?? [];
  const fromOutside = Number(major) + Number(minor) / 100 >= PIP_THAT_REACHES_OUT;
  const args = ["install", ...PIP_OPTIONS, "-r", requirements.file];
  return fromOutside
    ? { program: path, args: ["-m", "pip", "--python", own, ...args], fromOutside }
    : { program: own, args: ["-m", "pip", ...args], fromOutside };
}

function renderUv(program: string, { requirements, own }: InstallTarget): PythonInstaller {
  const args =
    requirements.kind === "lock"
      ? ["sync", "--frozen", "--no-dev", "--python", own]
      : ["pip", "install", "--python", own, "-r", requirements.file];
  return { program, args, fromOutside: true };
}

/** A uv of our own, which alone reads pyproject.toml and uv.lock. */
async function installUv({ cache, python, progress, need }: InstallTarget): Promise<string> {
  const folder = join(resolve(cache), `uv-${hashText(`${UV} ${python.version}`)}`);
  const program = join(folder, "bin", "uv");
  const done = join(folder, "done");
  if (existsSync(done)) return program;
  progress("installing uv, which reads this project's requirements");
  rmSync(folder, { recursive: true, force: true });
  await need(python.path, ["-m", "venv", folder]);
  await need(join(folder, "bin", "python"), ["-m", "pip", "install", ...PIP_OPTIONS, UV]);
  writeFileSync(done, "{}");
  return program;
}

/** What pip or uv is at, as far as it takes time. */
export function describeStep(line: string): string | undefined {
  const [, name] = /^Collecting ([\w.-]+)/.exec(line) ?? [];
  if (name !== undefined) return `collecting ${name}`;
  const [, wheel] = /^\s*Building (?:wheel|editable) for ([\w.-]+) .*started/.exec(line) ?? [];
  if (wheel !== undefined) return `building ${wheel}`;
  return /^(?:Installing collected|Resolved|Prepared) /.test(line)
    ? "installing packages"
    : undefined;
}
