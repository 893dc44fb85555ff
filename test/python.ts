// Runs the tests of the Python parts, each with an environment of its own that is made once and kept
// under node_modules/.cache. With DEEP set they run in full what is a sample otherwise. Without Python
// one line says so; with CI set that is an error.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

interface Suite {
  readonly name: string;
  readonly folder: string;
  /** Arguments of `pip install`, run in the folder. */
  readonly install: readonly string[];
  /** Files whose change makes the environment anew. */
  readonly inputs: readonly string[];
  /** Modules to run, with their arguments. */
  readonly commands: readonly (readonly string[])[];
}

const WORKER = join("packages", "celery-push-worker");
const EXAMPLE = join("examples", "django-celery");
const CLIENTS = join("test", "local-cloud", "clients");

const APART = ["tests/matrix", "tests/crash", "tests/integration"];

const SUITES: readonly Suite[] = [
  {
    name: "worker package",
    folder: WORKER,
    install: [
      "-r",
      "tests/requirements.txt",
      "-e",
      ".",
      "mypy==2.4.1",
      "celery-types==0.26.0",
      "ruff==0.17.6",
    ],
    inputs: [join(WORKER, "pyproject.toml"), join(WORKER, "tests", "requirements.txt")],
    commands: [
      ["ruff", "check"],
      ["ruff", "format", "--check"],
      ["mypy"],
      // Each stand-in of a cloud has a process of its own: two in one would share their queues.
      ["pytest", "-q", "-rs", ...APART.map((folder) => `--ignore=${folder}`)],
      ...APART.map((folder) => ["pytest", "-q", "-rs", folder]),
    ],
  },
  {
    name: "example",
    folder: EXAMPLE,
    install: ["-r", "requirements-dev.txt"],
    inputs: [
      join(WORKER, "pyproject.toml"),
      join(EXAMPLE, "requirements.txt"),
      join(EXAMPLE, "requirements-dev.txt"),
      join(EXAMPLE, "constraints.txt"),
    ],
    commands: [
      ["ruff", "check"],
      ["pytest", "-q", "-rs"],
    ],
  },
  {
    name: "local cloud",
    folder: CLIENTS,
    install: ["-r", "requirements.txt"],
    inputs: [join(CLIENTS, "requirements.txt")],
    commands: [["pytest", "-q", "-rs", "--show-capture=no", "-p", "no:cacheprovider"]],
  },
];

const python = findPython();
if (python) {
  const results = await Promise.all(SUITES.map((suite) => runSuite(python, suite)));
  process.exitCode = results.every((passed) => passed) ? 0 : 1;
} else if (process.env.CI) {
  throw new Error("Python 3.10 or newer is missing, and this is CI.");
} else {
  console.error(
    "Python 3.10 or newer is not installed: the tests of the Python parts are skipped.",
  );
}

function findPython(): string | undefined {
  const check = "import sys, venv; sys.exit(sys.version_info < (3, 10))";
  return ["python3", "python"].find((name) => spawnSync(name, ["-c", check]).status === 0);
}

async function runSuite(interpreter: string, suite: Suite): Promise<boolean> {
  const environment = await makeEnvironment(interpreter, suite);
  let text = "";
  for (const [module = "", ...args] of suite.commands) {
    const command = ["-m", module, ...args];
    const { code, output } = await run(environment, command, suite.folder);
    text += `\n── ${suite.name}: ${module} ${args.join(" ")}\n${output}`;
    if (code !== 0) {
      console.log(`${text}\n✖ ${suite.name}: ${module} failed`);
      return false;
    }
  }
  console.log(text);
  return true;
}

/** The interpreter of the suite's environment. A half-made environment is made again. */
async function makeEnvironment(interpreter: string, suite: Suite): Promise<string> {
  const version = spawnSync(interpreter, ["-VV"], { encoding: "utf8" }).stdout;
  const inputs = suite.inputs.map((file) => readFileSync(file, "utf8"));
  const hash = createHash("sha256").update([version, ...suite.install, ...inputs].join("\n"));
  const name = `${suite.name.replaceAll(" ", "-")}-${hash.digest("hex").slice(0, 12)}`;
  const directory = resolve("node_modules", ".cache", "python", name);
  const own = join(directory, "bin", "python");
  if (existsSync(join(directory, "done"))) return own;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  await need(interpreter, ["-m", "venv", directory], ".");
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  await need(own, [...install, ...suite.install], suite.folder);
  writeFileSync(join(directory, "done"), "");
  return own;
}

async function need(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await run(program, args, cwd);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${output}`);
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly code: number; readonly output: string }> {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => done({ code: code ?? 1, output }));
  });
}
