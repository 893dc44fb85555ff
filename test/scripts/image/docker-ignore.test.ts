import { describe, expect, test } from "vitest";
import { DockerIgnore } from "../../../scripts/lib/image/docker-ignore.ts";

describe("DockerIgnore.excludes", () => {
  test.each([
    ["*.pyc", "a.pyc", true],
    ["*.pyc", "app/a.pyc", false],
    ["**/*.pyc", "a.pyc", true],
    ["**/*.pyc", "app/deep/a.pyc", true],
    ["node_modules", "node_modules/x/y.js", true],
    ["/node_modules/", "node_modules/x/y.js", true],
    ["node_modules", "app/node_modules/y.js", false],
    ["**/node_modules", "app/node_modules/y.js", true],
    ["app/**", "app/a/b", true],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
    ["[ab].txt", "b.txt", true],
    ["[ab].txt", "c.txt", false],
    ["a.txt", "abtxt", false],
    ["a+b", "a+b", true],
    ["# note", "# note", false],
    ["*\n!app", "app/models.py", false],
    ["*\n!app", "other/models.py", true],
    ["!app\n*", "app/models.py", true],
    ["docs\n!docs/keep.md", "docs/keep.md", false],
    ["docs\n!docs/keep.md", "docs/other.md", true],
    ["./docs", "docs/a.md", true],
    ["", "anything", false],
    ["\uFEFFa", "a", true],
    [" # no note", "# no note", true],
    ["app//./docs/", "app/docs/a.md", true],
    ["app/docs/..", "app/x", true],
    ["! app\n*\n! app", "app/x", false],
    ["a/**b", "a/xb", false],
    ["a/**b", "a/x/b", true],
    ["**b", "a/xb", true],
    ["**.py[co]", "a/x.pyc", false],
    ["a\\*b", "a*b", true],
    ["a\\*b", "axb", false],
    ["new\nline*", "lines", true],
    ["new*", "new\nline", true],
  ])("with %j, %s is ignored: %s", (text, path, ignored) => {
    expect(new DockerIgnore(text).excludes(path)).toBe(ignored);
  });
});

describe("DockerIgnore.mayTakeBackBelow", () => {
  test.each([
    ["data", "data", false],
    ["data\n!data/keep", "data", true],
    ["data\n!data/keep/**", "data/keep", true],
    ["data\n!data/keep", "data/other", false],
    ["*\n!app", "data", false],
    ["*\n!**/*.py", "data", true],
    ["*\n!app/*", "data", false],
  ])("with %j, docker looks into %s: %s", (text, folder, looks) => {
    expect(new DockerIgnore(text).mayTakeBackBelow(folder)).toBe(looks);
  });
});

test.each(["a[b", "!"])("refuses the line %j by file and line", (line) => {
  expect(() => new DockerIgnore(line, "site/.dockerignore")).toThrow(
    `site/.dockerignore has the line "${line}", which docker cannot read as a pattern`,
  );
});
