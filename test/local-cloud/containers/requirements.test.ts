import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { findRequirements } from "../../../packages/local-cloud/containers/_requirements.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "requirements-"));
});

const write = (file: string, text = "") => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};
const PROJECT = "[build-system]\n[project]\n";

describe("findRequirements", () => {
  test.each([
    [["requirements.txt", "uv.lock", "pyproject.toml"], "requirements.txt", "requirements"],
    [["uv.lock", "pyproject.toml"], "uv.lock", "lock"],
    [["pyproject.toml", "poetry.lock"], "pyproject.toml", "pyproject"],
    [["pyproject.toml", "requirements/base.txt"], "pyproject.toml", "pyproject"],
  ] as const)("takes of %j: %s", (files, file, kind) => {
    for (const name of files) write(name, PROJECT);

    expect(findRequirements(root)).toEqual({ file, kind });
  });

  test.each([
    ["requirements/production.txt", "requirements"],
    ["backend/uv.lock", "lock"],
    ["backend/pyproject.toml", "pyproject"],
  ])("takes %s when it is named", (file, kind) => {
    write("requirements.txt");
    write(file, PROJECT);

    expect(findRequirements(root, file)).toEqual({ file, kind });
  });

  test.each([
    ["Pipfile", "pipenv requirements > requirements.txt"],
    ["Pipfile.lock", "pipenv requirements > requirements.txt"],
    ["poetry.lock", "poetry self add poetry-plugin-export && poetry export -o requirements.txt"],
    ["pdm.lock", "pdm export -o requirements.txt"],
  ])("names the command that makes requirements of %s, found or named", (file, command) => {
    write(file);
    write("pyproject.toml", "[tool.poetry]\n");
    const message = `${root}/${file} can only be read by its own tool. Run \`${command}\` in ${root}, and set 'image.requirements' in config.ts to "requirements.txt".`;

    expect(() => findRequirements(root)).toThrow(message);
    expect(() => findRequirements(root, file)).toThrow(message);
  });

  test("names the command for a pyproject.toml of Poetry's own kind", () => {
    write("pyproject.toml", "[tool.poetry]\n");

    expect(() => findRequirements(root)).toThrow("poetry export -o requirements.txt");
  });

  test("fails when there is no such file, and says where it is set", () => {
    expect(() => findRequirements(root, "requirements.txt")).toThrow(
      /requirements.txt does not exist.*image.requirements/,
    );
  });

  test("fails when there is none at all, and names what looks like it", () => {
    write("requirements/base.txt");
    write("requirements-prod.txt");
    write("notes.txt");

    expect(() => findRequirements(root)).toThrow(
      `${root} has no requirements.txt, uv.lock or pyproject.toml. Set 'image.requirements' in config.ts to the file that lists what the containers need (there is: requirements-prod.txt, requirements/base.txt).`,
    );
  });
});
