import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashContext, ignoreFilter, refuseState } from "../../scripts/lib/build-context.ts";

let context: string;

beforeEach(() => {
  context = mkdtempSync(join(tmpdir(), "context-"));
  write("Dockerfile", "FROM scratch\n");
  write("app/models.py", "one\n");
});

afterEach(() => rmSync(context, { recursive: true }));

describe("hashContext", () => {
  test("is the same for the same sources", () => {
    expect(hash()).toMatch(/^[0-9a-f]{64}$/);
    expect(hash()).toBe(hash());
  });

  test.each<[string, () => void]>([
    ["a changed file", () => write("app/models.py", "two\n")],
    ["a new file", () => write("app/views.py", "")],
    [
      "a renamed file",
      () => [rmSync(join(context, "app/models.py")), write("app/model.py", "one\n")],
    ],
    [
      "a file moved into a folder",
      () => [rmSync(join(context, "app"), { recursive: true }), write("app/a/models.py", "one\n")],
    ],
    ["a file made executable", () => chmodSync(join(context, "app/models.py"), 0o755)],
    ["a link", () => symlinkSync("models.py", join(context, "app/link.py"))],
    ["another Dockerfile", () => write("Dockerfile", "FROM python\n")],
  ])("changes with %s", (_, change) => {
    const before = hash();
    change();

    expect(hash()).not.toBe(before);
  });

  test.each<[string, () => void]>([
    ["an ignored file", () => write("junk/a.pyc", "1")],
    ["a file that the Dockerfile's own list ignores", () => write("own.txt", "1")],
  ])("stays with %s", (_, change) => {
    write(".dockerignore", "junk\n");
    if (String(_).includes("own")) write("Dockerfile.dockerignore", "own.txt\n");
    const before = hash();
    change();

    expect(hash()).toBe(before);
  });

  test("counts the Dockerfile even when it is ignored", () => {
    write(".dockerignore", "*\n");
    const before = hash();
    write("Dockerfile", "FROM python\n");

    expect(hash()).not.toBe(before);
  });

  test("refuses a context without a Dockerfile", () => {
    rmSync(join(context, "Dockerfile"));

    expect(hash).toThrow(
      `${join(context, "Dockerfile")} does not exist. Set 'image' in config.ts to where the Dockerfile is.`,
    );
  });

  test("covers further folders, and refuses one that is missing", () => {
    const further = [join(context, "..", "further")];
    const hashAll = () => hashContext({ context, dockerfile: "Dockerfile", further });

    expect(hashAll).toThrow("further does not exist. The image is built from it too: restore it.");
    mkdirSync(String(further[0]));
    writeFileSync(join(String(further[0]), "a.py"), "1");
    const before = hashAll();
    writeFileSync(join(String(further[0]), "a.py"), "2");

    expect(hashAll()).not.toBe(before);
    rmSync(String(further[0]), { recursive: true });
  });
});

describe("refuseState", () => {
  const refuse = (state = join(context, ".state")) =>
    refuseState({ context, dockerfile: "Dockerfile" }, state);

  test.each(["", ".state/default", ".state/*.log", ".state\n!.state/**"])(
    "refuses a state that %j does not leave out",
    (text) => {
      write(".dockerignore", text);

      expect(refuse).toThrow(
        `include .state, which holds the state with its keys. Write a line ".state" into ${join(context, ".dockerignore")}`,
      );
    },
  );

  test("names the Dockerfile's own list where that one counts", () => {
    write(".dockerignore", ".state");
    write("Dockerfile.dockerignore", "");

    expect(refuse).toThrow(`into ${join(context, "Dockerfile.dockerignore")}`);
  });

  test.each([".state", "/.state/", "**/.state", ".*", "*\n!app"])("does not mind %j", (text) => {
    write(".dockerignore", text);

    refuse();
  });

  test("does not mind a state elsewhere", () => {
    refuse(join(context, "../.state"));
  });
});

describe("ignoreFilter", () => {
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
  ])("with %j, %s is ignored: %s", (text, path, ignored) => {
    expect(ignoreFilter(text)(path)).toBe(ignored);
  });
});

function hash(): string {
  return hashContext({ context, dockerfile: "Dockerfile" });
}

function write(path: string, text: string): void {
  mkdirSync(join(context, path, ".."), { recursive: true });
  writeFileSync(join(context, path), text);
}
