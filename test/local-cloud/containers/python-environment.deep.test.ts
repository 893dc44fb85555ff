import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { makeEnvironment } from "../../../packages/local-cloud/containers/_python-environment.ts";
import { runProgram } from "../../../packages/local-cloud/support/run-program.ts";
import { alive, CACHE } from "./_world.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "environment-"));
});

const write = (file: string, text: string) => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};
const steps: string[] = [];
const make = (more = {}) =>
  makeEnvironment({
    source: join(root, "site"),
    requirements: "requirements.txt",
    cache: join(root, "cache"),
    progress: (step) => steps.push(step),
    ...more,
  });
const python = async (folder: string, code: string) =>
  (await runProgram(join(folder, "bin", "python"), ["-c", code])).lines.join("\n");

const stampOf = async (made: Promise<string>) => statSync(join(await made, "done")).mtimeMs;
const projectOf = (dependencies: string) =>
  `[project]\nname = "site"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = [${dependencies}]\n`;
const SOURCES = '[tool.uv.sources]\ntiny = { path = "../wheels/tiny-1.0-py3-none-any.whl" }\n';

// A package that builds itself, so that nothing is fetched.
const BACKEND = `
import base64, os, zipfile
NAME = "tiny-1.0"
def _wheel(folder, path):
    with zipfile.ZipFile(os.path.join(folder, NAME + "-py3-none-any.whl"), "w") as z:
        z.writestr("tiny.pth", path)
        z.writestr(NAME + ".dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n")
        z.writestr(NAME + ".dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        z.writestr(NAME + ".dist-info/RECORD", "")
    return NAME + "-py3-none-any.whl"
def build_wheel(folder, *_, **__):
    return _wheel(folder, "/nowhere")
def build_editable(folder, *_, **__):
    return _wheel(folder, os.getcwd())
`;
const PROJECT = `[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
`;

// A wheel that needs nothing to be built.
const wheel = (file: string, value: number, requires = "") => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  const code = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    z.writestr("tiny.py", "VALUE = ${value}\\ndef main(): print(VALUE)\\n")
    z.writestr("tiny-1.0.dist-info/entry_points.txt", "[console_scripts]\\ntiny = tiny:main\\n")
    z.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n${requires}")
    z.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    z.writestr("tiny-1.0.dist-info/RECORD", "")
`;
  execFileSync("python3", ["-c", code, join(root, file)]);
  const content = readFileSync(join(root, file));
  return createHash("sha256").update(content).digest("hex");
};
const WHEEL = "tiny-1.0-py3-none-any.whl";
const VALUE = "import tiny; print(tiny.VALUE)";

describe("makeEnvironment", () => {
  test("makes one, keeps it, and makes another when the requirements change", async () => {
    write("site/requirements.txt", "-e ../package\n");
    write("package/pyproject.toml", PROJECT);
    write("package/backend.py", BACKEND);
    write("package/tiny.py", "VALUE = 1");

    const [first, meanwhile] = await Promise.all([make(), make()]);
    expect(meanwhile).toBe(first);
    expect(await python(first, VALUE)).toBe("1");
    expect(steps).toContain("creating a Python environment");

    // Who changes the package runs what they wrote.
    write("package/tiny.py", "VALUE = 22");
    expect(await make()).toBe(first);
    expect(await python(first, VALUE)).toBe("22");

    // One that was not finished is made again, and who died meanwhile is not waited for.
    const dead = 2 ** 22 + 1;
    writeFileSync(`${first}.lock`, String(dead));
    rmSync(join(first, "done"));
    rmSync(join(first, "bin"), { recursive: true });
    expect(await make()).toBe(first);
    expect(await python(first, VALUE)).toBe("22");

    write("site/requirements.txt", "# another\n--no-index\n");
    const second = await make();
    expect(second).not.toBe(first);
    expect(existsSync(first)).toBe(false);
    expect(readdirSync(join(root, "cache"))).toHaveLength(1);
  });

  test("lets pip read the file: spaces, an apostrophe, other files that it names", async () => {
    root = join(root, "Ann's  own code");
    wheel(`site/wheels/${WHEEL}`, 3);
    write("site/requirements.txt", '-r "more files/base.txt"\n-c constraints.txt\n--no-index\n');
    write("site/more files/base.txt", `./wheels/${WHEEL} # why\n`);
    write("site/constraints.txt", "");

    const first = await make();
    expect(await python(first, VALUE)).toBe("3");
    // Programs of an environment hold its path.
    expect((await runProgram(join(first, "bin", "tiny"), [])).lines).toEqual(["3"]);

    write("site/constraints.txt", "six==1\n");
    const second = await make();
    expect(second).not.toBe(first);
    write("site/more files/base.txt", "\n");
    expect(await make()).not.toBe(second);
  });

  test("lets pip read the file: UTF-16, as PowerShell writes it", async () => {
    wheel(`site/${WHEEL}`, 4);
    write("site/requirements.txt", "");
    const text = `\uFEFF--no-index\r\n-r base.txt\r\n./${WHEEL}\r\n`;
    writeFileSync(join(root, "site", "requirements.txt"), Buffer.from(text, "utf16le"));
    write("site/base.txt", "");

    const first = await make();
    expect(await python(first, VALUE)).toBe("4");
    write("site/base.txt", "# more");
    expect(await make()).not.toBe(first);
  });

  test("lets pip read the file: hashes, and none that does not fit", async () => {
    const hash = wheel(`site/${WHEEL}`, 5);
    write("site/requirements.txt", `./${WHEEL} --hash=sha256:${hash}\n`);
    expect(await python(await make(), VALUE)).toBe("5");

    wheel(`site/${WHEEL}`, 6);
    await expect(make()).rejects.toThrow(/hash/i);
  });

  test("recreates one when a file or a folder was replaced from which it was made", async () => {
    wheel(`site/${WHEEL}`, 7);
    write("site/requirements.txt", `./${WHEEL}\n`);
    expect(await python(await make(), VALUE)).toBe("7");
    wheel(`site/${WHEEL}`, 8);
    expect(await python(await make(), VALUE)).toBe("8");

    write("site/requirements.txt", "../package\n");
    write("package/pyproject.toml", PROJECT);
    write("package/backend.py", BACKEND.replace('"/nowhere"', 'os.getcwd() + "/a"'));
    write("package/a/tiny.py", "VALUE = 9");
    expect(await python(await make(), VALUE)).toMatch(/^(9|Traceback)/);
    const before = await stampOf(make());
    expect(await stampOf(make())).toBe(before);
    write("package/a/tiny.py", "VALUE = 10");
    expect(await stampOf(make())).not.toBe(before);
  });

  test("reads pyproject.toml and uv.lock by a uv of its own", { timeout: 300_000 }, async () => {
    const cache = CACHE;
    wheel(`wheels/${WHEEL}`, 11);
    write("site/pyproject.toml", projectOf(`"tiny @ file://${root}/wheels/${WHEEL}"`));
    expect(await python(await make({ requirements: undefined, cache }), VALUE)).toBe("11");

    write("site/pyproject.toml", `${projectOf('"tiny"')}${SOURCES}`);
    const [uv = ""] = readdirSync(CACHE).filter((name) => name.startsWith("uv-"));
    const { code, lines } = await runProgram(join(CACHE, uv, "bin", "uv"), ["lock", "--offline"], {
      cwd: join(root, "site"),
    });
    expect(code, lines.join("\n")).toBe(0);
    const locked = await make({ requirements: undefined, cache });
    expect(await python(locked, VALUE)).toBe("11");
    expect(existsSync(join(root, "site", ".venv"))).toBe(false);

    wheel(`wheels/${WHEEL}`, 12);
    // uv holds the lock's hash against the file.
    await expect(make({ requirements: "uv.lock", cache })).rejects.toThrow(/hash/i);
  });

  test("fails with pip's last words, names the ways out, and stands in nobody's way", async () => {
    write("site/requirements.txt", "--no-index\n./missing.whl\n");

    await expect(make()).rejects.toThrow(
      /The Python environment of .*site could not be created: \S+ .* exited with code \d\. Fix requirements\.txt and start again\. If it needs what only the image has .* --docker.*(\n {2}.*)*missing\.whl/,
    );
    expect(readdirSync(join(root, "cache")).filter((name) => name.endsWith(".lock"))).toEqual([]);
  });

  test("names an included file that is missing", async () => {
    write("site/requirements.txt", "-r nowhere/base.txt\n");

    await expect(make()).rejects.toThrow(/could not be created(.*\n)+.*nowhere\/base\.txt/);
  });

  test("says which Python was used, which is wanted, and how to choose", async () => {
    write("site/requirements.txt", "--no-index\n");
    write("site/Dockerfile", "FROM python:3.99-slim\n");
    const warnings: string[] = [];
    const text =
      /^Python 3\.\d+\.\d+ \(\/.*\) is used, but the project requires 3\.99 \(FROM in Dockerfile\)\. Install python3\.99, choose an interpreter with --python PATH, or use the image's own: --docker$/;

    await make({ warn: (message: string) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringMatching(text)]);

    wheel(`site/${WHEEL}`, 1, "Requires-Python: >=3.99\\n");
    write("site/requirements.txt", `./${WHEEL}\n`);
    await expect(make()).rejects.toThrow(/is used, but the project requires 3\.99/);
  });

  test("does not blame the requirements for an interpreter without venv", async () => {
    write("site/requirements.txt", "");
    const python = join(root, "python3");
    const version = `'${root}/python3' True '3.11.0 (of this test)'`;
    writeFileSync(python, `#!/bin/sh\n[ "$1" = -c ] && printf '%s\\n' ${version}\n`, {
      mode: 0o755,
    });

    await expect(make({ python })).rejects.toThrow(
      /python3 -m venv \/.* exited with code 1\. That interpreter has no complete venv\. Install it \(.*`apt install python3-venv`\), or choose another interpreter with --python PATH\. Its last lines:$/,
    );
  });

  test("gives up when it is told to, and leaves no process behind", async () => {
    write("site/requirements.txt", "-e ../package\n");
    write("package/pyproject.toml", PROJECT);
    write(
      "package/backend.py",
      "import os, time\nopen(os.environ['PIDS'], 'w').write(str(os.getpid()))\ntime.sleep(1000)\n",
    );
    process.env.PIDS = join(root, "pids");
    const controller = new AbortController();
    const making = make({ signal: controller.signal });
    const pid = () =>
      Number(existsSync(join(root, "pids")) && readFileSync(join(root, "pids"), "utf8"));
    await expect.poll(pid).toBeGreaterThan(0);

    controller.abort(new Error("stopped"));

    await expect(making).rejects.toThrow("stopped");
    await expect.poll(() => alive(pid())).toBe(false);
  });

  test("fails when there is no Python, and names the ways out", async () => {
    write("site/requirements.txt", "");

    await expect(make({ python: "no-such-python" })).rejects.toThrow(
      /Python 3\.10 or newer with venv was not found \(tried no-such-python\).*--docker/,
    );
  });
});
