import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changeCloud, type Faults, readCloud } from "./state.ts";
import { installTools } from "./tools.ts";

const REPOSITORY = "cr.yandex/crpone/app";
const PLAIN = ["--platform", "linux/amd64", "--provenance=false", "--sbom=false"];

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "docker-"));
  installTools(join(dir, "bin"));
  changeCloud((cloud) => {
    cloud.repositories = { "crpone/app": { id: "crprepo" } };
    cloud.yc = { version: "1.15.0", loggedIn: true, folderId: "b1gfolder" };
  }, dir);
  write("app/Dockerfile", "FROM python:3.12-slim\nCOPY --chown=app . /app\n");
  write("app/manage.py", "print('hello')\n");
});

afterEach(() => rmSync(dir, { recursive: true }));

describe("docker", () => {
  test("builds and pushes one manifest and tells its digest", () => {
    login();

    const metadata = join(dir, "metadata.json");
    const { status, stdout } = build("--push", "--metadata-file", metadata);

    const { "containerimage.digest": digest } = JSON.parse(readFileSync(metadata, "utf8"));
    expect(status).toBe(0);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(stdout).toContain(`v1: digest: ${digest} size: `);
    expect(images()).toEqual([
      {
        id: expect.stringMatching(/^crp/),
        repository: "crpone/app",
        digest,
        tags: ["v1"],
        index: false,
        platform: "linux/amd64",
      },
    ]);
  });

  test("gives the same sources the same digest, and others another", () => {
    login();
    build("--push");
    build("--push");
    expect(images()).toHaveLength(1);

    write("app/manage.py", "print('changed')\n");
    build("--push");
    expect(images().map(({ tags }) => tags)).toEqual([[], ["v1"]]);
  });

  test("does not see what .dockerignore names", () => {
    login();
    write("app/.dockerignore", "**/*.pyc\n.git\nlogs/*\n!logs/keep\n");
    build("--push");

    write("app/.git/HEAD", "x");
    write("app/deep/x.pyc", "x");
    write("app/logs/today", "x");
    build("--push");
    expect(images()).toHaveLength(1);

    write("app/logs/keep", "x");
    build("--push");
    expect(images()).toHaveLength(2);
  });

  test("an attested image is an index whose parts have no tag", () => {
    login();
    docker("build", "--push", "--tag", `${REPOSITORY}:v1`, join(dir, "app"));

    expect(images().map(({ index, tags }) => ({ index, tags }))).toEqual([
      { index: true, tags: ["v1"] },
      { index: undefined, tags: [] },
      { index: undefined, tags: [] },
    ]);
  });

  test("loads, tags, pushes and inspects in steps", () => {
    login();
    expect(docker("build", ...PLAIN, "--load", "-t", "local:x", join(dir, "app")).status).toBe(0);
    expect(docker("tag", "local:x", `${REPOSITORY}:v2`).status).toBe(0);
    const pushed = docker("push", `${REPOSITORY}:v2`).stdout;

    const digest = /digest: (\S+) size/.exec(pushed)?.[1] ?? "";
    const inspect = ["image", "inspect", `${REPOSITORY}:v2`, "--format"];
    expect(docker(...inspect, "{{index .RepoDigests 0}}").stdout).toBe(`${REPOSITORY}@${digest}\n`);
    expect(docker(...inspect, "{{.Os}}/{{.Architecture}}").stdout).toBe("linux/amd64\n");
    const remote = docker("buildx", "imagetools", "inspect", `${REPOSITORY}:v2`);
    expect(remote.stdout).toContain(`Digest:    ${digest}\n`);
    const format = ["--format", "{{json .Manifest}}"];
    const { stdout } = docker(
      "buildx",
      "imagetools",
      "inspect",
      ...format,
      `${REPOSITORY}@${digest}`,
    );
    expect(JSON.parse(stdout).digest).toBe(digest);
    expect(docker("manifest", "inspect", `${REPOSITORY}:gone`).status).toBe(1);
  });

  test("copies from a named build context", () => {
    write("wheels/worker.whl", "wheel");
    write(
      "app/Dockerfile",
      "FROM python\nCOPY --from=wheels worker.whl /tmp/\nCOPY --from=x /a /b\n",
    );

    expect(build().stderr).toBe("");
    const context = ["--build-context", `wheels=${join(dir, "wheels")}`];
    expect(build(...context).status).toBe(0);
    rmSync(join(dir, "wheels", "worker.whl"));
    expect(build(...context).stderr).toContain('"/worker.whl": not found');
  });

  describe("bake", () => {
    const DEFINITION = {
      target: {
        app: { context: "app", contexts: { shared: "shared" } },
        image: { context: "layer", contexts: { app: "target:app" } },
      },
    };
    const TAG = `--set=image.tags=${REPOSITORY}:v1`;
    const bake = (...flags: string[]) =>
      docker("buildx", "bake", "--file=bake.json", ...PLAIN.slice(2), ...flags);
    const define = (definition: object) => write("bake.json", JSON.stringify(definition));

    beforeEach(() => {
      define(DEFINITION);
      write("shared/a.txt", "a");
      write("layer/Dockerfile", "FROM app\nCOPY top.txt /\n");
      write("layer/top.txt", "top");
    });

    test("pushes the target that is asked for, built on another one", () => {
      login();
      const metadata = join(dir, "metadata.json");

      expect(bake(TAG, "--push", "--metadata-file", metadata, "image").status).toBe(0);
      const [image] = images();
      const { "containerimage.digest": digest, "image.name": name } = JSON.parse(
        readFileSync(metadata, "utf8"),
      ).image;
      expect(images()).toHaveLength(1);
      expect(image).toMatchObject({ digest, tags: ["v1"], index: false });
      expect(name).toBe(`${REPOSITORY}:v1`);
    });

    test("gives another digest when what it stands on is another", () => {
      login();
      const digests = ["app/manage.py", "shared/a.txt", "layer/top.txt", "-"].map((file) => {
        if (file !== "-") write(file, "changed");
        expect(bake(TAG, "--push", "image").status).toBe(0);
        return images().find(({ tags }) => tags.includes("v1"))?.digest;
      });

      expect(new Set(digests).size).toBe(3);
    });

    test("takes a target's fields from the command line", () => {
      write("app/docker/prod", "FROM x\nCOPY missing /\n");

      const { stderr } = bake("--set=app.dockerfile=docker/prod", "image");

      expect(stderr).toContain('"/missing": not found');
    });

    test("reads nothing outside of the folder unless that is allowed", () => {
      const outside = mkdtempSync(join(tmpdir(), "outside-"));
      writeFileSync(join(outside, "Dockerfile"), "FROM x\n");
      const away = [`--set=app.context=${outside}`, "image"];

      expect(bake(...away).stderr).toContain(`Pass "--allow=fs.read=${outside}"`);
      expect(bake(`--allow=fs.read=${outside}`, ...away).status).toBe(0);
      process.env.BUILDX_BAKE_ENTITLEMENTS_FS = "0";
      expect(bake(...away).status).toBe(0);
      delete process.env.BUILDX_BAKE_ENTITLEMENTS_FS;
    });

    test.each<[string, object, string[], string]>([
      ["an unknown target", DEFINITION, ["other"], "failed to find target other"],
      ["an unknown target to change", DEFINITION, ["--set=x.tags=a", "image"], "matching 'x'"],
      ["an unknown field", { target: { a: { tag: "x" } } }, ["a"], "Unsupported argument tag"],
      ["a template", { target: { a: { context: "$" + "{x}" } } }, ["a"], "Variables not allowed"],
    ])("refuses %s", (_, definition, argv, message) => {
      define(definition);

      expect(bake(...argv).stderr).toContain(message);
    });
  });

  test("is let in by yc's credential helper", () => {
    expect(run("yc", ["container", "registry", "configure-docker"]).status).toBe(0);
    expect(build("--push").status).toBe(0);
  });

  test("takes a password on the command line, and remembers that", () => {
    expect(docker("login", "-u", "iam", "-p", "t1.x", "cr.yandex").stderr).toContain("insecure");
    expect(readCloud(dir).docker).toMatchObject({ passwordOnCommandLine: true });
  });

  test.each<[string, string[], string]>([
    ["an unknown command", ["bild", "."], 'unknown command "bild" for "docker"'],
    ["an unknown flag", ["build", "--fast", "."], "unknown flag: --fast"],
    ["an unknown shorthand", ["build", "-z", "."], "unknown shorthand flag: 'z' in -z"],
    ["a build without a context", ["build"], "accepts 1 arg(s), received 0"],
    ["a missing context", ["build", "/nowhere"], 'path "/nowhere" not found'],
    [
      "a missing Dockerfile",
      ["build", "--file", "/nowhere", "."],
      "open /nowhere: no such file or directory",
    ],
    [
      "an image that is not there",
      ["push", "x:y"],
      "An image does not exist locally with the tag: x",
    ],
    ["a reference with capitals", ["push", "X:y"], "invalid reference format: X:y"],
  ])("refuses %s", (_, argv, message) => {
    const { status, stderr } = docker(...argv);
    expect(status).not.toBe(0);
    expect(stderr).toContain(message);
  });

  test.each<[string, () => unknown, string]>([
    ["without a login", () => {}, "unauthorized: Authentication problem"],
    [
      "into a repository that is not there",
      () => login() && forgetRepositories(),
      "name unknown: Repository crpone/app not found",
    ],
    [
      "that the registry denies",
      () => login() && fault({ docker: "denied" }),
      "denied: Permission denied",
    ],
    [
      "without a daemon",
      () => login() && fault({ docker: "daemon" }),
      "Cannot connect to the Docker daemon",
    ],
  ])("refuses a push %s", (_, prepare, message) => {
    prepare();

    const { status, stderr } = build("--push");
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(images()).toEqual([]);
  });

  test.each<[string, string, string]>([
    ["an IAM token of another form", "iam", "y0_x"],
    ["an unknown user", "root", "t1.x"],
  ])("refuses a login with %s", (_, user, password) => {
    const login = docker(
      { input: password },
      "login",
      "--username",
      user,
      "--password-stdin",
      "cr.yandex",
    );
    expect(login.status).toBe(1);
    expect(login.stderr).toContain("unauthorized");
  });
});

function login(): boolean {
  const argv = ["login", "--username", "iam", "--password-stdin", "cr.yandex"];
  return docker({ input: "t1.token\n" }, ...argv).stdout === "Login Succeeded\n";
}

function build(...flags: string[]) {
  return docker(
    "buildx",
    "build",
    ...PLAIN,
    "--tag",
    `${REPOSITORY}:v1`,
    ...flags,
    join(dir, "app"),
  );
}

function docker(...argv: [{ input: string }, ...string[]] | string[]) {
  const [first, ...rest] = argv;
  if (typeof first === "object") return run("docker", rest as string[], first.input);
  return run("docker", argv as string[]);
}

function run(tool: string, argv: string[], input = "") {
  const { PATH, BUILDX_BAKE_ENTITLEMENTS_FS } = process.env;
  const env = { PATH, BUILDX_BAKE_ENTITLEMENTS_FS, CLOUD_DIR: dir };
  return spawnSync(join(dir, "bin", tool), argv, { env, encoding: "utf8", input, cwd: dir });
}

function images() {
  return readCloud(dir).images;
}

function fault(faults: Faults): void {
  changeCloud((cloud) => Object.assign(cloud.faults, faults), dir);
}

function forgetRepositories(): void {
  changeCloud((cloud) => {
    cloud.repositories = {};
  }, dir);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}
