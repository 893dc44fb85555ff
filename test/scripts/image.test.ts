import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Access } from "../../scripts/lib/access.ts";
import { CloudApi } from "../../scripts/lib/cloud-api.ts";
import {
  ensureImage,
  forgetImage,
  givenImage,
  isUnchanged,
  rememberedImage,
  sourceHashOf,
} from "../../scripts/lib/image.ts";
import { parseImage, purgeRegistry, requireImage } from "../../scripts/lib/registry-images.ts";
import { NOT_FOUND, type RunResult } from "../../scripts/lib/world.ts";
import { settings } from "./_settings.ts";
import { ACCESS, fakeWorld, type Routes } from "./_world.ts";

const REPOSITORY = "cr.yandex/crp1/app";
const DIGEST = `sha256:${"a".repeat(64)}`;
const LIST =
  "GET https://container-registry.api.cloud.yandex.net/container-registry/v1/images?repositoryName=crp1%2Fapp&pageSize=1000";
const LOGIN = "docker login --username iam --password-stdin cr.yandex";
const LOGGED_IN: Access = { given: false, token: async () => "t1.token" };
const SETTINGS = settings({ image: { context: "site" } });

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "image-"));
  mkdirSync(join(root, "site"));
  writeFileSync(join(root, "site", "Dockerfile"), "FROM scratch\n");
});

afterEach(() => rmSync(root, { recursive: true }));

describe("ensureImage", () => {
  test("builds one manifest for amd64, pushes it by the hash of its sources, and remembers it", async () => {
    const { world, run } = prepare({ [LIST]: {} });

    expect(await run()).toEqual({ image: `${REPOSITORY}@${DIGEST}`, what: "built and pushed" });
    expect(world.ran).toEqual([LOGIN, buildCommand()]);
    expect(world.options[0]).toEqual({ input: "t1.token" });
    expect(readJson(".state/default/image.auto.tfvars.json")).toEqual({
      image: `${REPOSITORY}@${DIGEST}`,
    });
    expect(readJson(".state/default/image.json")).toEqual({
      image: `${REPOSITORY}@${DIGEST}`,
      sourceHash: sourceHash(),
    });
  });

  test("neither builds nor pushes sources whose image is in the registry", async () => {
    const images = [{ id: "1", digest: DIGEST, tags: [sourceHash().slice(0, 16)] }];
    const { world, run } = prepare({ [LIST]: { body: { images } } });

    expect(await run()).toEqual({ image: `${REPOSITORY}@${DIGEST}`, what: "unchanged" });
    expect(world.ran).toEqual([]);
    expect(isUnchanged(world, SETTINGS)).toBe(true);
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
    const { world, run } = prepare({ [LIST]: {} }, {}, { DOCKER_CONFIG: root }, LOGGED_IN);
    await run();

    expect(world.ran).toEqual([buildCommand()]);
  });

  test("logs in with a given token although there is a helper", async () => {
    writeFileSync(join(root, "config.json"), '{"credHelpers":{"cr.yandex":"yc"}}');
    const { world, run } = prepare({ [LIST]: {} }, {}, { DOCKER_CONFIG: root });
    await run();

    expect(world.ran[0]).toBe(LOGIN);
  });

  test("takes an image that was pushed elsewhere", async () => {
    const images = [{ id: "1", digest: DIGEST }];
    const given = `${REPOSITORY}@${DIGEST}`;
    const { world, run } = prepare({ [LIST]: { body: { images } } }, {}, {}, ACCESS, given);

    expect(await run()).toEqual({ image: given, what: "as given" });
    expect(rememberedImage(world, undefined)).toEqual({ image: given });
    expect(isUnchanged(world, SETTINGS)).toBe(false);
  });

  test("refuses a given image that the registry does not hold, and remembers nothing", async () => {
    const given = `${REPOSITORY}@${DIGEST}`;
    const { run } = prepare({ [LIST]: { body: { images: [] } } }, {}, {}, ACCESS, given);

    await expect(run()).rejects.toThrow(
      `The registry does not hold ${given} (any more). Push it again or leave --image out, so that it is built.`,
    );
    expect(existsSync(join(root, ".state"))).toBe(false);
  });

  test.each<[string, Partial<RunResult>, string]>([
    ["docker is missing", { exitCode: NOT_FOUND }, "`docker` is not installed. Install it"],
    [
      "docker does not run",
      { exitCode: 1, stderr: "Cannot connect to the Docker daemon at unix:///var/run/docker.sock" },
      "Docker does not run. Start it, or give an image that was built elsewhere with --image.",
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

describe("what is remembered", () => {
  test("is forgotten with its registry", async () => {
    const { world, run } = prepare({ [LIST]: {} });
    await run();
    forgetImage(world, undefined);

    expect(rememberedImage(world, undefined)).toBeUndefined();
    expect(existsSync(join(root, ".state/default/image.auto.tfvars.json"))).toBe(false);
  });

  test("is outdated once the sources change", async () => {
    const { world, run } = prepare({ [LIST]: {} });
    await run();
    writeFileSync(join(root, "site", "new.py"), "");

    expect(isUnchanged(world, SETTINGS)).toBe(false);
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
        `"${image}" is no image by digest. Write cr.yandex/<registry>/<repository>@sha256:<64 hex digits>.`,
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
    const world = fakeWorld({
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

    expect(await purgeRegistry(new CloudApi(world, ACCESS), "crp1")).toBe(3);
  });

  test("gives up on a registry that is being filled", async () => {
    const world = fakeWorld({
      routes: {
        [all]: { body: { images: [image("1")] } },
        [remove("1")]: { body: { done: true } },
      },
    });

    await expect(purgeRegistry(new CloudApi(world, ACCESS), "crp1")).rejects.toThrow(
      "Registry crp1 still gets images. Stop what pushes to it, then run it again.",
    );
  });
});

test("requireImage accepts what the registry holds", async () => {
  const world = fakeWorld({
    routes: { [LIST]: { body: { images: [{ id: "1", digest: DIGEST }] } } },
  });

  await requireImage(new CloudApi(world, ACCESS), `${REPOSITORY}@${DIGEST}`);

  expect(world.sent).toHaveLength(1);
});

function prepare(
  routes: Routes,
  commands: Record<string, Partial<RunResult>> = {},
  env: Record<string, string> = {},
  access = ACCESS,
  given?: string,
) {
  const world = fakeWorld({
    root,
    routes,
    env: { HOME: root, ...env },
    commands: { [LOGIN]: "", [buildCommand()]: "", ...commands },
  });
  // What buildx leaves behind.
  const run: typeof world.run = async (command, args, options) => {
    const result = await world.run(command, args, options);
    if (args[0] === "buildx") {
      const metadata = { "containerimage.digest": DIGEST, "image.name": "x" };
      writeFileSync(join(root, ".state/default/build.json"), JSON.stringify(metadata));
    }
    return result;
  };
  const options = { access, settings: SETTINGS, repository: REPOSITORY, given, report: () => {} };
  return { world, run: () => ensureImage({ ...options, world: { ...world, run } }) };
}

function sourceHash(): string {
  return sourceHashOf(fakeWorld({ root }), SETTINGS);
}

function buildCommand(): string {
  return `docker buildx build --platform linux/amd64 --provenance=false --sbom=false --push --metadata-file .state/default/build.json --file site/Dockerfile --tag ${REPOSITORY}:${sourceHash().slice(0, 16)} site`;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}
