// Runs the tests of the Python parts, each with an environment that is made once and kept under
// node_modules/.cache. With DEEP set it runs what is left out otherwise, and in full what is sampled.
// Without Python one line says so; with CI set that is an error.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

interface Environment {
  readonly name: string;
  /** Where `pip install` runs with these arguments. */
  readonly folder: string;
  readonly install: readonly string[];
  /** Files whose change recreates the environment. */
  readonly inputs: readonly string[];
}

/** A module to run, with its arguments. */
type Command = readonly string[];

/** Commands one after the other; the first that fails ends it. */
type Lane = readonly Command[];

interface Suite {
  readonly name: string;
  readonly folder: string;
  readonly environment: Environment;
  /** What everybody runs, in lanes beside each other. */
  readonly quick: readonly Lane[];
  /** What takes long. */
  readonly deep: readonly Lane[];
}

const WORKER = join("packages", "celery-push-worker");
const EXAMPLE = join("examples", "django-celery");
const ALBUM = join("examples", "django-postgres");
const CLIENTS = join("test", "local-cloud", "clients");
const POSTGRES = join("test", "local-cloud", "postgres");

/** Makes environments in a tenth of pip's time. */
const UV = "uv==0.13.9";
const PIP_INSTALL = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];

const WITH_WORKER: Environment = {
  name: "worker",
  folder: WORKER,
  install: [
    ...["-r", "tests/requirements.txt", "-e", "."],
    ...["mypy==2.4.1", "celery-types==0.26.0", "ruff==0.17.6"],
  ],
  inputs: [join(WORKER, "pyproject.toml"), join(WORKER, "tests", "requirements.txt")],
};

const WITH_EXAMPLE = ofExample("example", EXAMPLE);
const WITH_ALBUM = ofExample("album", ALBUM);

const WITH_POSTGRES: Environment = {
  name: "postgres",
  folder: POSTGRES,
  install: ["-r", "requirements.txt"],
  inputs: [join(POSTGRES, "requirements.txt")],
};

// Without the cache, which two at once would share.
const PYTEST = ["pytest", "-q", "-rs", "-p", "no:cacheprovider"];
// Each stand-in of a cloud has a process of its own: two in one would share their queues.
const WORKER_LONG = [
  "tests/matrix",
  "tests/watchers",
  "tests/chords",
  "tests/crash",
  "tests/integration",
];
// Real servers, and uploads by a Django of their own: each as long as half of what is quick.
const WORKER_SLOW = ["tests/server", "tests/cloud/test_static_files.py"];
// Of these everybody runs a sample.
const WORKER_SAMPLED = "tests/hostile";
// These wait more than they compute, so they go beside the others.
const WORKER_WAITS = ["tests/cloud", "tests/execution"];
// Each starts a Django of its own.
const WORKER_CHECKS = ["tests/checks"];
// The local cloud, and a browser.
const EXAMPLE_DEEP = ["tests/test_jobs.py", "tests/test_page.py"];
const ALBUM_DEEP = ["tests/test_page.py"];

const SUITES: readonly Suite[] = [
  {
    name: "worker package",
    folder: WORKER,
    environment: WITH_WORKER,
    quick: [
      [
        ...[["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]],
        [...PYTEST, ...WORKER_CHECKS],
      ],
      [without([...WORKER_LONG, ...WORKER_SLOW, ...WORKER_WAITS, ...WORKER_CHECKS])],
      [without(WORKER_SLOW, WORKER_WAITS)],
    ],
    deep: [
      [
        [...PYTEST, ...WORKER_SLOW, WORKER_SAMPLED],
        [...PYTEST, "tests/matrix"],
      ],
      [[...PYTEST, "tests/chords"]],
      [
        [...PYTEST, "tests/integration"],
        [...PYTEST, "tests/watchers"],
        [...PYTEST, "tests/crash"],
      ],
    ],
  },
  {
    name: "example",
    folder: EXAMPLE,
    environment: WITH_EXAMPLE,
    quick: [[["ruff", "check"], without(EXAMPLE_DEEP)]],
    deep: [[[...PYTEST, ...EXAMPLE_DEEP]]],
  },
  {
    name: "example with a database",
    folder: ALBUM,
    environment: WITH_ALBUM,
    quick: [[["ruff", "check"], without(ALBUM_DEEP)]],
    deep: [[[...PYTEST, ...ALBUM_DEEP]]],
  },
  {
    name: "local cloud",
    folder: CLIENTS,
    environment: WITH_WORKER,
    quick: [[[...PYTEST, "--show-capture=no"]]],
    deep: [],
  },
  {
    name: "local PostgreSQL",
    folder: POSTGRES,
    environment: WITH_POSTGRES,
    quick: [],
    deep: [[PYTEST]],
  },
];

const python = findPython();
if (python) {
  const uv = makeUv(python);
  const make = (environment: Environment) => makeEnvironment(python, uv, environment);
  const wanted = SUITES.filter((suite) => lanesOf(suite).length > 0);
  const environments = new Set(wanted.map(({ environment }) => environment));
  const made = new Map([...environments].map((environment) => [environment, make(environment)]));
  const results = await Promise.all(
    SUITES.flatMap((suite) =>
      lanesOf(suite).map(async (lane) => runLane(await made.get(suite.environment), suite, lane)),
    ),
  );
  process.exitCode = results.every((passed) => passed) ? 0 : 1;
} else if (process.env.CI) {
  throw new Error("Python 3.10 or newer is missing, and this is CI.");
} else {
  console.error(
    "Python 3.10 or newer is not installed: the tests of the Python parts are skipped.",
  );
}

function ofExample(name: string, folder: string): Environment {
  const files = ["requirements.txt", "requirements-dev.txt", "constraints.txt"];
  return {
    ...{ name, folder, install: ["-r", "requirements-dev.txt"] },
    inputs: [join(WORKER, "pyproject.toml"), ...files.map((file) => join(folder, file))],
  };
}

function without(tests: readonly string[], folders: readonly string[] = []): Command {
  return [...PYTEST, ...folders, ...tests.map((path) => `--ignore=${path}`)];
}

function findPython(): string | undefined {
  const check = "import sys, venv; print(sys.executable); sys.exit(sys.version_info < (3, 10))";
  const found = ["python3", "python"]
    .map((name) => spawnSync(name, ["-c", check], { encoding: "utf8" }))
    .find(({ status }) => status === 0);
  return found?.stdout.trim();
}

function lanesOf({ quick, deep }: Suite): readonly Lane[] {
  return process.env.DEEP ? deep : quick;
}

async function runLane(interpreter = "", suite: Suite, lane: Lane): Promise<boolean> {
  let text = "";
  for (const [module = "", ...args] of lane) {
    const { code, output } = await run(interpreter, ["-m", module, ...args], suite.folder);
    text += `\n── ${suite.name}: ${module} ${args.join(" ")}\n${output}`;
    if (code !== 0) {
      console.log(`${text}\n✖ ${suite.name}: ${module} failed`);
      return false;
    }
  }
  console.log(text);
  return true;
}

/** The interpreter of an environment. */
async function makeEnvironment(
  interpreter: string,
  uv: Promise<string>,
  wanted: Environment,
): Promise<string> {
  const version = spawnSync(interpreter, ["-VV"], { encoding: "utf8" }).stdout;
  const inputs = wanted.inputs.map((file) => readFileSync(file, "utf8"));
  const hash = createHash("sha256").update([version, ...wanted.install, ...inputs].join("\n"));
  const name = `${wanted.name}-${hash.digest("hex").slice(0, 12)}`;
  return makeOnce(name, async (directory, own) => {
    const fast = await uv;
    // With pip, which tests use.
    const venv = ["-m", "uv", "venv", "--quiet", "--seed", "--python", interpreter, directory];
    const install = ["-m", "uv", "pip", "install", "--quiet", "--python", own, ...wanted.install];
    const isMade = (await run(fast, venv, ".")).code === 0;
    if (isMade && (await run(fast, install, wanted.folder)).code === 0) return;
    // It does not read pip's settings, which may name another index.
    await need(interpreter, ["-m", "venv", "--clear", directory], ".");
    await need(own, [...PIP_INSTALL, ...wanted.install], wanted.folder);
  });
}

function makeUv(interpreter: string): Promise<string> {
  return makeOnce(UV, async (directory, own) => {
    await need(interpreter, ["-m", "venv", directory], ".");
    await need(own, [...PIP_INSTALL, UV], ".");
  });
}

/** A virtual environment that is kept. A half-made one is made again. */
async function makeOnce(
  name: string,
  make: (directory: string, own: string) => Promise<void>,
): Promise<string> {
  const directory = resolve("node_modules", ".cache", "python", name);
  const own = join(directory, "bin", "python");
  if (existsSync(join(directory, "done"))) return own;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(dirname(directory), { recursive: true });
  await make(directory, own);
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
