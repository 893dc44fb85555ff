import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { makeEnvironment } from "../../../packages/local-cloud/containers/_python-environment.ts";
import { run } from "../../../packages/local-cloud/containers/_run.ts";
import { alive } from "./_world.ts";

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
  (await run(join(folder, "bin", "python"), ["-c", code])).lines.join("\n");

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

describe("makeEnvironment", () => {
  test("makes one, keeps it, and makes another when the requirements change", async () => {
    write("site/requirements.txt", "../package\n");
    write("package/pyproject.toml", PROJECT);
    write("package/backend.py", BACKEND);
    write("package/tiny.py", "VALUE = 1");

    const [first, meanwhile] = await Promise.all([make(), make()]);
    expect(meanwhile).toBe(first);
    expect(await python(first, "import tiny; print(tiny.VALUE)")).toBe("1");
    expect(steps).toContain("making a Python environment");

    // Who changes the package runs what they wrote.
    write("package/tiny.py", "VALUE = 22");
    expect(await make()).toBe(first);
    expect(await python(first, "import tiny; print(tiny.VALUE)")).toBe("22");

    // One that was not finished is made again, and who died meanwhile is not waited for.
    const dead = 2 ** 22 + 1;
    writeFileSync(`${first}.lock`, String(dead));
    rmSync(join(first, "done"));
    rmSync(join(first, "bin"), { recursive: true });
    expect(await make()).toBe(first);
    expect(await python(first, "import tiny; print(tiny.VALUE)")).toBe("22");

    write("site/requirements.txt", "# another\n--no-index\n");
    const second = await make();
    expect(second).not.toBe(first);
    expect(existsSync(first)).toBe(false);
    expect(readdirSync(join(root, "cache"))).toHaveLength(1);
  });

  test("fails with pip's last words, and stands in nobody's way", async () => {
    write("site/requirements.txt", "--no-index\n./missing.whl\n");

    await expect(make()).rejects.toThrow(
      /The Python environment of .*site could not be made: python\S* .* exited with code 1\. Mend its requirements .*(\n {2}.*)*missing\.whl/,
    );
    expect(readdirSync(join(root, "cache")).filter((name) => name.endsWith(".lock"))).toEqual([]);
  });

  test("gives up when it is told to, and leaves no process behind", async () => {
    write("site/requirements.txt", "../package\n");
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
