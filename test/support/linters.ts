import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..", "..");
const CACHE = join(ROOT, "node_modules", ".cache", "linters");
const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";
const PYTHON_PACKAGES = join(import.meta.dirname, "linters.txt");

/** A linter's findings; empty when it found nothing. */
export type Linter = (file: string) => string;

/** Checks GitHub workflows: syntax, expressions, names of contexts. */
export function actionlint(): Linter | undefined {
  const bin = join(CACHE, `actionlint-${ACTIONLINT.split("@")[1]}`);
  const ready = once(bin, () =>
    succeeds("go", ["install", ACTIONLINT], { GOBIN: bin, GOFLAGS: "-mod=mod" }),
  );
  // Whether shellcheck happens to be installed must not change the result.
  const args = ["-no-color", "-shellcheck=", "-pyflakes="];
  return ready ? (file) => findings(join(bin, "actionlint"), [...args, file]) : undefined;
}

/** Checks GitHub workflows for what an attacker could use. */
export function zizmor(): Linter | undefined {
  const bin = pythonTools();
  const args = ["--offline", "--no-progress", "--color=never", "--quiet", "--persona=pedantic"];
  return bin ? (file) => findings(join(bin, "zizmor"), [...args, file]) : undefined;
}

/** Checks GitLab pipelines against GitLab's own schema. */
export function gitlabSchema(): Linter | undefined {
  const bin = pythonTools();
  const args = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"];
  return bin ? (file) => findings(join(bin, "check-jsonschema"), [...args, file]) : undefined;
}

function pythonTools(): string | undefined {
  const version = createHash("sha256").update(readFileSync(PYTHON_PACKAGES)).digest("hex");
  const directory = join(CACHE, `python-${version.slice(0, 12)}`);
  const bin = join(directory, "bin");
  const ready = once(
    directory,
    () =>
      succeeds("python3", ["-m", "venv", directory]) &&
      succeeds(join(bin, "pip"), ["install", "--quiet", "--requirement", PYTHON_PACKAGES]),
  );
  return ready ? bin : undefined;
}

// An installation that was interrupted is no installation.
function once(directory: string, install: () => boolean): boolean {
  const finished = join(directory, "finished");
  if (existsSync(finished)) return true;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  if (!install()) return false;
  writeFileSync(finished, "");
  return true;
}

function succeeds(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): boolean {
  const options = { env: { ...process.env, ...env }, stdio: "ignore" } as const;
  return spawnSync(command, args, options).status === 0;
}

function findings(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error) throw error;
  return status === 0 ? "" : `${stdout}${stderr}`;
}
