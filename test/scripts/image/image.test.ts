import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Access } from "../../../scripts/lib/cloud/access.ts";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import {
  describeImage,
  ensureImage,
  forgetImage,
  givenImage,
  isUnchanged,
  refuseBoth,
  sourceHashOf,
} from "../../../scripts/lib/image/image.ts";
import {
  parseImage,
  purgeRegistry,
  requireImage,
} from "../../../scripts/lib/image/registry-images.ts";
import { NOT_FOUND, type ProcessResult } from "../../../scripts/lib/shell/system.ts";
import { rememberedImage } from "../../../stacks/remembered-image.ts";
import { settings } from "../_settings.ts";
import { ACCESS, fakeSystem, type Routes } from "../_system.ts";

const REPOSITORY = "cr.yandex/crp1/app";
const DIGEST = `sha256:${"a".repeat(64)}`;
const LIST =
  "GET https://container-registry.api.cloud.yandex.net/container-registry/v1/images?repositoryName=crp1%2Fapp&pageSize=1000";
const LOGIN = "docker login --username iam --password-stdin cr.yandex";
const LOGGED_IN: Access = { given: false, token: async () => "t1.token" };
const NO_REPOSITORY: ProcessResult = { exitCode: 128, stdout: "", stderr: "" };
const SETTINGS = settings({ image: { context: "site", dockerfile: "Dockerfile.prod" } });

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "image-"));
  mkdirSync(join(root, "site"));
  mkdirSync(join(root, "packages", "celery-push-worker"), { recursive: true });
  writeFileSync(join(root, "site", "Dockerfile.prod"), "FROM scratch\n");
});

afterEach(() => rmSync(root, { recursive: true }));

describe("ensureImage", () => {
  test("builds one manifest for amd64, pushes it by the hash of its sources, and remembers it", async () => {
    const { system, run } = prepare({ [LIST]: {} });

    expect(await run()).toEqual({ image: `${REPOSITORY}@${DIGEST}`, what: "built and pushed" });
    expect(system.ran).toEqual([LOGIN, buildCommand()]);
    expect(system.options[0]).toMatchObject({ input: "t1.token" });
    expect(readJson(".state/default/image.json")).toEqual({
      image: `${REPOSITORY}@${DIGEST}`,
      sourceHash: sourceHash(),
    });
  });

  test("says in a second tag which commit it was built from", async () => {
    const name = sourceHash().slice(0, 16);
    const tags = `${name} --set=image.tags=${REPOSITORY}:commit-0123456789ab-${name}`;
    const git = (args: readonly string[]): ProcessResult => ({
      ...{ exitCode: 0, stderr: "" },
      stdout: args.includes("HEAD") ? "0123456789ab\n" : "",
    });
    const command = buildCommand(tags);
    const { system, run } = prepare({ [LIST]: {} }, { [command]: {} }, {}, ACCESS, undefined, git);

    expect(await run()).toMatchObject({ what: "built and pushed" });
    expect(system.ran).toEqual([LOGIN, command]);
  });

  test("neither builds nor pushes sources whose image is in the registry", async () => {
    const images = [{ id: "1", digest: DIGEST, tags: [sourceHash().slice(0, 16)] }];
    const { system, run } = prepare({ [LIST]: { body: { images } } });

    expect(await run()).toEqual({ image: `${REPOSITORY}@${DIGEST}`, what: "unchanged" });
    expect(system.ran).toEqual([]);
    expect(isUnchanged(system, SETTINGS)).toBe(true);
  });

  test("builds again what the registry has lost", async () => {
    const images = [
      { id: "1", digest: `sha256:${"b".repeat(64)}`, tags: ["other"] },
      { id: "2", digest: "x" },
    ];
    const { run } = prepare({ [LIST]: { body: { images } } });

    expect(await run()).toMatchObject({ what: "built and pushed" });
  });

  test("puts the image beside the stack, where plain cdktf finds it", async () => {
    mkdirSync(join(root, "cdktf.out/stacks/app"), { recursive: true });
    await prepare({ [LIST]: {} }).run();

    expect(readJson("cdktf.out/stacks/app/image.auto.tfvars.json")).toEqual({
      image: `${REPOSITORY}@${DIGEST}`,
    });
  });

  test("uses a credential helper instead of logging in", async () => {
    writeFileSync(join(root, "config.json"), '{"credHelpers":{"cr.yandex":"yc"}}');
    const { system, run } = prepare({ [LIST]: {} }, {}, { DOCKER_CONFIG: root }, LOGGED_IN);
    await run();

    expect(system.ran).toEqual([buildCommand()]);
  });

  test("logs in with a given token although there is a helper", async () => {
    writeFileSync(join(root, "config.json"), '{"credHelpers":{"cr.yandex":"yc"}}');
    const { system, run } = prepare({ [LIST]: {} }, {}, { DOCKER_CONFIG: root });
    await run();

    expect(system.ran[0]).toBe(LOGIN);
  });

  test("takes an image that was pushed elsewhere", async () => {
    const images = [{ id: "1", digest: DIGEST }];
    const given = `${REPOSITORY}@${DIGEST}`;
    const { system, run } = prepare({ [LIST]: { body: { images } } }, {}, {}, ACCESS, given);

    expect(await run()).toEqual({ image: given, what: "as given" });
    expect(rememberedImage(undefined, root)).toEqual({ image: given });
    expect(isUnchanged(system, SETTINGS)).toBe(false);
  });

  test("refuses a given image that the registry does not hold, and remembers nothing", async () => {
    const given = `${REPOSITORY}@${DIGEST}`;
    const { run } = prepare({ [LIST]: { body: { images: [] } } }, {}, {}, ACCESS, given);

    await expect(run()).rejects.toThrow(
      `The registry does not hold ${given} (any more). Push it again or leave --image out, so that it is built.`,
    );
    expect(existsSync(join(root, ".state"))).toBe(false);
  });

  test.each<[string, Partial<ProcessResult>, string]>([
    ["docker is missing", { exitCode: NOT_FOUND }, "`docker` is not installed. Install it"],
    [
      "docker is not running",
      { exitCode: 1, stderr: "Cannot connect to the Docker daemon at unix:///var/run/docker.sock" },
      "Docker is not running. Start it, or give an image that was built elsewhere with --image.",
    ],
    [
      "the registry turns the push away",
      { exitCode: 1, stdout: "#1 push\ndenied: Permission denied" },
      "Building and pushing the image failed (docker exited 1): #1 push\ndenied: Permission denied\nGrant container-registry.images.pusher on the registry to this account.",
    ],
    [
      "the build breaks",
      { exitCode: 17, stdout: "RUN pip install: no" },
      "Building and pushing the image failed (docker exited 17): RUN pip install: no",
    ],
  ])("says what to do when %s", async (_, answer, message) => {
    const { run } = prepare({ [LIST]: {} }, { [buildCommand()]: answer });

    await expect(run()).rejects.toThrow(message);
  });

  test("says when the login fails", async () => {
    const { run } = prepare({ [LIST]: {} }, { [LOGIN]: { exitCode: 1, stderr: "no" } });

    await expect(run()).rejects.toThrow("Logging in to cr.yandex failed (docker exited 1): no");
  });
});

describe("a rebuild", () => {
  const REBUILT = `sha256:${"b".repeat(64)}`;
  const tagged = (digest: string, tag: string) => ({ id: tag, digest, tags: [tag] });

  test("rebuilds unchanged sources, under a tag of its own and from the newest base", async () => {
    const name = sourceHash().slice(0, 16);
    const command = buildCommand(`${name}-20260102030405`, " --pull --no-cache");
    const { system, run } = prepare(
      { [LIST]: { body: { images: [tagged(DIGEST, name)] } } },
      { [command]: {} },
    );

    expect(await run({ rebuild: true })).toMatchObject({ what: "built and pushed" });
    expect(system.ran).toEqual([LOGIN, command]);
  });

  test("stands for its sources from then on, wherever it was made", async () => {
    const name = sourceHash().slice(0, 16);
    const images = [
      tagged(REBUILT, `${name}-20260102030405`),
      tagged(DIGEST, name),
      tagged(`sha256:${"c".repeat(64)}`, `${name}-20250102030405`),
    ];
    const { run } = prepare({ [LIST]: { body: { images } } });

    expect(await run()).toEqual({ image: `${REPOSITORY}@${REBUILT}`, what: "unchanged" });
  });

  test("is refused beside an image that is given", () => {
    expect(() => refuseBoth("cr.yandex/x", true)).toThrow(
      "--rebuild builds an image, but cr.yandex/x is given. Leave one of them out (TF_VAR_image and IMAGE count too).",
    );
    refuseBoth("cr.yandex/x", false);
    refuseBoth(undefined, true);
  });
});

describe("describeImage", () => {
  test("says what would be done", async () => {
    const { system, run } = prepare({ [LIST]: {} });

    expect(describeImage(system, SETTINGS, { given: "cr.yandex/x" })).toBe(
      "would remember cr.yandex/x",
    );
    expect(describeImage(system, SETTINGS, {})).toBe("would build and push");
    await run();
    expect(describeImage(system, SETTINGS, {})).toBe("would keep the remembered image");
    expect(describeImage(system, SETTINGS, { rebuild: true })).toBe("would build and push");
  });

  test("notices that the Dockerfile is missing", () => {
    rmSync(join(root, "site", "Dockerfile.prod"));

    expect(() => describeImage(fakeSystem({ root }), SETTINGS, {})).toThrow("does not exist");
  });
});

test("sources that include secrets are refused, unless .dockerignore leaves them out", () => {
  writeFileSync(join(root, "Dockerfile"), "FROM scratch\n");
  const hash = () => sourceHashOf(fakeSystem({ root }), settings({ image: { context: "." } }));

  expect(hash).toThrow(
    `The image's sources in ${root} include .state, which holds the state with its keys, and .env.local, which holds your secrets for local runs. Write a line ".state" and a line ".env.local" into ${join(root, ".dockerignore")} ("cdktf.out" and "node_modules" belong there too).`,
  );
  writeFileSync(join(root, ".dockerignore"), ".state\n.env.local\n");
  expect(hash()).toMatch(/^[0-9a-f]{64}$/);
});

test("a broken configuration of docker is named, with the way out", async () => {
  writeFileSync(join(root, "config.json"), '{"auths":');
  const { run } = prepare({ [LIST]: {} }, {}, { DOCKER_CONFIG: root }, LOGGED_IN);

  await expect(run()).rejects.toThrow(
    new RegExp(
      `^${join(root, "config.json")} cannot be read as JSON \\(.+\\)\\. Fix it, or remove it and log in again with \`docker login\`\\.$`,
    ),
  );
});

describe("what is remembered", () => {
  test.each(['{"image": "cr', "[]", ""])("counts as forgotten when it is %j", async (text) => {
    const { system, run } = prepare({ [LIST]: {} });
    mkdirSync(join(root, ".state/default"), { recursive: true });
    writeFileSync(join(root, ".state/default/image.json"), text);

    expect(rememberedImage(undefined, root)).toBeUndefined();
    expect(isUnchanged(system, SETTINGS)).toBe(false);
    await run();
    const image = `${REPOSITORY}@${DIGEST}`;
    expect(rememberedImage(undefined, root)).toMatchObject({ image });
  });

  test("is replaced, never written over: whoever reads meanwhile reads it whole", async () => {
    mkdirSync(join(root, "cdktf.out/stacks/app"), { recursive: true });
    const files = [".state/default/image.json", "cdktf.out/stacks/app/image.auto.tfvars.json"].map(
      (file) => join(root, file),
    );
    await prepare({ [LIST]: {} }).run();
    const before = files.map((file) => statSync(file).ino);
    const old = files.map((file) => openSync(file, "r"));
    await prepare({ [LIST]: {} }).run();

    expect(files.filter((file, index) => statSync(file).ino === before[index])).toEqual([]);
    for (const descriptor of old) closeSync(descriptor);
    expect(statSync(join(root, ".state")).mode & 0o777).toBe(0o700);
  });

  test("is forgotten with its registry", async () => {
    mkdirSync(join(root, "cdktf.out/stacks/app"), { recursive: true });
    const { system, run } = prepare({ [LIST]: {} });
    await run();
    forgetImage(system, undefined);

    expect(rememberedImage(undefined, root)).toBeUndefined();
    expect(existsSync(join(root, "cdktf.out/stacks/app/image.auto.tfvars.json"))).toBe(false);
  });

  test("is outdated once the sources change", async () => {
    const { system, run } = prepare({ [LIST]: {} });
    await run();
    writeFileSync(join(root, "site", "new.py"), "");

    expect(isUnchanged(system, SETTINGS)).toBe(false);
  });
});

test.each([
  ["flag", { TF_VAR_image: "variable", IMAGE: "image" }, "flag"],
  [undefined, { TF_VAR_image: "variable", IMAGE: "image" }, "variable"],
  [undefined, { IMAGE: "image" }, "image"],
  [undefined, { IMAGE: "" }, undefined],
])("the given image of %j and %j is %j", (flag, env, image) => {
  expect(givenImage(flag, env)).toBe(image);
});

describe("parseImage", () => {
  test("takes a reference apart", () => {
    expect(parseImage(`${REPOSITORY}@${DIGEST}`)).toEqual({
      repository: "crp1/app",
      digest: DIGEST,
    });
  });

  test.each([`${REPOSITORY}:latest`, `docker.io/app@${DIGEST}`, `${REPOSITORY}@sha256:abc`, ""])(
    "refuses %j",
    (image) => {
      expect(() => parseImage(image)).toThrow(
        `"${image}" is not an image by digest. Write cr.yandex/<registry>/<repository>@sha256:<64 hex digits>.`,
      );
    },
  );
});

describe("purgeRegistry", () => {
  const all =
    "GET https://container-registry.api.cloud.yandex.net/container-registry/v1/images?registryId=crp1&pageSize=1000";
  const remove = (id: string) =>
    `DELETE https://container-registry.api.cloud.yandex.net/container-registry/v1/images/${id}`;
  const image = (id: string) => ({ id, digest: DIGEST });

  test("deletes until nothing is left", async () => {
    const system = fakeSystem({
      routes: {
        [all]: [
          { body: { images: [image("1"), image("2")] } },
          { body: { images: [image("3")] } },
          { body: {} },
        ],
        [remove("1")]: { body: { done: true } },
        [remove("2")]: { body: { done: true } },
        [remove("3")]: { body: { done: true } },
      },
    });

    expect(await purgeRegistry(new CloudApi(system, ACCESS), "crp1")).toBe(3);
  });

  test("gives up on a registry that is being filled", async () => {
    const system = fakeSystem({
      routes: {
        [all]: { body: { images: [image("1")] } },
        [remove("1")]: { body: { done: true } },
      },
    });

    await expect(purgeRegistry(new CloudApi(system, ACCESS), "crp1")).rejects.toThrow(
      "Registry crp1 still receives images. Stop what pushes to it, then run it again.",
    );
  });
});

test("requireImage accepts what the registry holds", async () => {
  const system = fakeSystem({
    routes: { [LIST]: { body: { images: [{ id: "1", digest: DIGEST }] } } },
  });

  await requireImage(new CloudApi(system, ACCESS), `${REPOSITORY}@${DIGEST}`);

  expect(system.sent).toHaveLength(1);
});

function prepare(
  routes: Routes,
  commands: Record<string, Partial<ProcessResult>> = {},
  env: Record<string, string> = {},
  access = ACCESS,
  given?: string,
  git = (_args: readonly string[]) => NO_REPOSITORY,
) {
  const system = fakeSystem({
    root,
    routes,
    env: { HOME: root, ...env },
    commands: { [LOGIN]: "", [buildCommand()]: "", ...commands },
  });
  // What buildx leaves behind.
  const run: typeof system.run = async (command, args, options) => {
    if (command === "git") return git(args);
    const result = await system.run(command, args, options);
    if (args[0] === "buildx") {
      const image = { "containerimage.digest": DIGEST, "image.name": "x" };
      const metadata = { image, "buildx.build.warnings": [] };
      writeFileSync(join(root, ".state/default/build.json"), JSON.stringify(metadata));
    }
    return result;
  };
  const options = { access, settings: SETTINGS, repository: REPOSITORY, given, report: () => {} };
  return {
    system,
    run: (more: { rebuild?: boolean } = {}) =>
      ensureImage({ ...options, ...more, system: { ...system, run } }),
  };
}

function sourceHash(): string {
  return sourceHashOf(fakeSystem({ root }), SETTINGS);
}

function buildCommand(tag = sourceHash().slice(0, 16), more = ""): string {
  return `docker buildx bake --file=packages/celery-push-worker/layer/bake.json --set=app.context=site --set=app.dockerfile=Dockerfile.prod --set=*.platform=linux/amd64 --provenance=false --sbom=false${more} --push --metadata-file .state/default/build.json --set=image.tags=${REPOSITORY}:${tag} image`;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}
