import { execFileSync } from "node:child_process";
import fs, {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashContext, refuseSecrets } from "../../../scripts/lib/image/build-context.ts";

const { readdirSync } = fs;
let context: string;

beforeEach(() => {
  context = realpathSync(mkdtempSync(join(tmpdir(), "context-")));
  write("Dockerfile", "FROM scratch\n");
  write("app/models.py", "one\n");
});

afterEach(() => {
  setReaddir(readdirSync);
  rmSync(context, { recursive: true });
});

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

describe("hashContext walks as docker does", () => {
  test.each<[string, (path: string) => void]>([
    ["a folder that nobody may enter", (path) => fakeUnreadable(path)],
    ["a pipe", (path) => execFileSync("mkfifo", [path])],
    ["a socket", (path) => bindSocket(path)],
    ["a name that is no UTF-8", (path) => makeUnnameable(path)],
  ])("%s that is left out is never looked at", (_, make) => {
    write(".dockerignore", "data\n");
    const before = hash();
    make(join(context, "data"));

    expect(hash()).toBe(before);
  });

  test.each<[string, (path: string) => void]>([
    ["a pipe", (path) => execFileSync("mkfifo", [path])],
    ["a socket", (path) => bindSocket(path)],
    ["a name that is no UTF-8", (path) => makeUnnameable(path)],
  ])("%s that is left in counts by its name, and is not opened", (_, make) => {
    const before = hash();
    make(join(context, "data"));

    expect(hash()).not.toBe(before);
  });

  test("what a ! takes back counts, also below a folder that is left out", () => {
    write(".dockerignore", "data\n!data/keep\n");
    write("data/keep/a", "1");
    write("data/other", "1");
    const before = hash();
    write("data/other", "2");
    expect(hash()).toBe(before);

    write("data/keep/a", "2");
    expect(hash()).not.toBe(before);
  });

  test("what is left in and cannot be read is named, with the ways out", () => {
    const folder = join(context, "data");
    fakeUnreadable(folder);

    expect(hash).toThrow(
      `${folder} cannot be read (EACCES), and is part of the image's sources. Leave it out by a line in .dockerignore, or make it readable.`,
    );
  });

  test("a .dockerignore that is a folder is named, too", () => {
    mkdirSync(join(context, ".dockerignore"));

    expect(hash).toThrow(`${join(context, ".dockerignore")} cannot be read (EISDIR)`);
  });
});

describe("refuseSecrets", () => {
  const refuse = (input = { context, dockerfile: "Dockerfile" }, root = context) =>
    refuseSecrets(input, root);

  test.each([
    "",
    ".state/default",
    ".state/*.log",
    "**/*.tfstate",
    "**/*.tfstate*",
    ".state\n!.state/**",
  ])("refuses a state that %j does not leave out", (text) => {
    write(".dockerignore", `.env.local\n${text}`);

    expect(refuse).toThrow(
      `include .state, which holds the state with its keys. Write a line ".state" into ${join(context, ".dockerignore")}`,
    );
  });

  test.each(["", ".env", ".env*\n!.env.local"])(
    "refuses secrets for local runs that %j does not leave out",
    (text) => {
      write(".dockerignore", `.state\n${text}`);

      expect(refuse).toThrow(
        'include .env.local, which holds your secrets for local runs. Write a line ".env.local" into',
      );
    },
  );

  test("names the Dockerfile's own list where that one counts", () => {
    write(".dockerignore", ".state\n.env.local");
    write("Dockerfile.dockerignore", "");

    expect(refuse).toThrow(`into ${join(context, "Dockerfile.dockerignore")}`);
  });

  test.each([".state", "/.state/", "**/.state", ".*", "*\n!app", ".state/**"])(
    "does not mind %j",
    (text) => {
      write(".dockerignore", `.env.local\n${text}`);

      refuse();
    },
  );

  test("does not mind secrets elsewhere", () => {
    refuse(undefined, mkdtempSync(join(tmpdir(), "elsewhere-")));
  });

  test.each([
    ["the context", () => ({ context: join(context, "link"), root: context })],
    ["the project", () => ({ context, root: join(context, "link") })],
  ])("compares real paths: a link to %s", (_, places) => {
    symlinkSync(".", join(context, "link"));
    const { context: through, root } = places();

    expect(() => refuse({ context: through, dockerfile: "Dockerfile" }, root)).toThrow(
      "include .state, which holds the state",
    );
  });

  test("finds a state that was moved into the context and linked from where it was", () => {
    const root = mkdtempSync(join(tmpdir(), "moved-"));
    mkdirSync(join(context, "kept"));
    symlinkSync(join(context, "kept"), join(root, ".state"));

    expect(() => refuse(undefined, root)).toThrow("include kept, which holds the state");
  });
});

// To root every folder is open, so that a folder's mode proves nothing here.
function fakeUnreadable(path: string): void {
  mkdirSync(path);
  setReaddir(((from: Buffer, options: object) => {
    if (String(from) !== path) return readdirSync(from, options as never);
    const message = `EACCES: permission denied, scandir '${path}'`;
    throw Object.assign(new Error(message), { code: "EACCES" });
  }) as typeof readdirSync);
}

/** In every module, whenever it was loaded. */
function setReaddir(read: typeof readdirSync): void {
  fs.readdirSync = read;
  syncBuiltinESMExports();
}

function bindSocket(path: string): void {
  const code = `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(path)})`;
  execFileSync("python3", ["-c", code]);
}

function makeUnnameable(folder: string): void {
  mkdirSync(folder);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]), "1");
}

function hash(): string {
  return hashContext({ context, dockerfile: "Dockerfile" });
}

function write(path: string, text: string): void {
  mkdirSync(join(context, path, ".."), { recursive: true });
  writeFileSync(join(context, path), text);
}
