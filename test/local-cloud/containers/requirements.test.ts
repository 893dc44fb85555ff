import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { readRequirements } from "../../../packages/local-cloud/containers/_requirements.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "requirements-"));
});

const write = (file: string, text: string) => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};
const read = () => readRequirements(join(root, "site"), "requirements.txt");

describe("readRequirements", () => {
  test("makes one flat file, with paths that hold anywhere and packages that can be edited", () => {
    write(
      "site/requirements.txt",
      "-c constraints.txt\ndjango==5.2 # why\n-r more/base.txt\n../package[a,b]\n",
    );
    write("site/constraints.txt", "");
    write(
      "site/more/base.txt",
      "# nothing\n\ncelery \\\n  >=5\n--requirement=deep.txt\n-e ../package/ ; python_version > '3'\n",
    );
    write(
      "site/more/deep.txt",
      "./wheel.whl\n--index-url https://example.com/simple\na @ https://example.com/a.whl\n",
    );
    write("package/pyproject.toml", "");

    expect(read().text.trim().split("\n")).toEqual([
      `-c ${root}/site/constraints.txt`,
      "django==5.2",
      expect.stringMatching(/^celery\s+>=5$/),
      "./wheel.whl",
      "--index-url https://example.com/simple",
      "a @ https://example.com/a.whl",
      `-e ${root}/package ; python_version > '3'`,
      `-e ${root}/package[a,b]`,
    ]);
  });

  test.each([
    ["a requirement", "site/requirements.txt", "../package\ndjango==5.3"],
    ["a constraint", "site/constraints.txt", "six==1"],
    ["what a local package is made of", "package/pyproject.toml", "[project]"],
  ])("has another hash when %s changes", (_, file, text) => {
    write("site/requirements.txt", "-c constraints.txt\n../package\n");
    write("site/constraints.txt", "");
    write("package/pyproject.toml", "");
    const before = read().hash;
    write(file, file === "site/requirements.txt" ? `-c constraints.txt\n${text}` : text);

    expect(read().hash).not.toBe(before);
  });

  test("has the same hash when only a local package's code changes", () => {
    write("site/requirements.txt", "../package # comment\n");
    write("package/pyproject.toml", "");
    const before = read().hash;
    write("package/src/a.py", "x = 1");

    expect(read().hash).toBe(before);
  });

  test("fails when there is no such file, and says where it is set", () => {
    expect(read).toThrow(/site\/requirements.txt does not exist.*image.requirements/);
  });
});
