import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessOf } from "../../../scripts/lib/cloud/access.ts";
import { deployChecks, isAtLeast, runChecks } from "../../../scripts/lib/deploy/preflight.ts";
import { sourceHashOf } from "../../../scripts/lib/image/image.ts";
import { NOT_FOUND, type ProcessResult } from "../../../scripts/lib/shell/system.ts";
import { settings } from "../_settings.ts";
import { type Commands, fakeSystem, type Routes } from "../_system.ts";

const IMAGE = `cr.yandex/crp1/app@sha256:${"a".repeat(64)}`;
const S3 = { backend: { type: "s3", bucket: "states" } };
const S3_ENV = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" };
const SYNTH = `${process.execPath} run.mjs main.ts`;
const GOOD: Commands = {
  [SYNTH]: "",
  "terraform version -json": '{"terraform_version":"1.11.4"}',
  "docker info": "",
  "docker buildx version": "",
  "yc iam create-token --no-browser": "t1.token",
  "yc config get folder-id --no-browser": "b1g",
};
const FOLDER = "GET https://resource-manager.api.cloud.yandex.net/resource-manager/v1/folders/b1g";
const NETWORK: Routes = { [FOLDER]: {} };

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "preflight-"));
  mkdirSync(join(root, "site"));
  mkdirSync(join(root, "packages", "celery-push-worker"), { recursive: true });
  mkdirSync(join(root, "packages", "celery-push-worker"), { recursive: true });
  writeFileSync(join(root, "site", "Dockerfile"), "FROM scratch\n");
});

afterAll(() => rmSync(root, { recursive: true }));

interface Case {
  readonly config?: object;
  readonly env?: Record<string, string>;
  readonly commands?: Record<string, Partial<ProcessResult>>;
  readonly routes?: Routes;
  readonly image?: string;
  readonly rebuild?: boolean;
}

describe("the pre-flight", () => {
  test("passes on a laptop", async () => {
    const system = await run({});

    expect(system.ran.sort()).toEqual(Object.keys(GOOD).sort());
  });

  test("needs neither yc nor docker with a token and an image", async () => {
    const env = { YC_TOKEN: "t1.a.b", YC_FOLDER_ID: "b1g" };

    expect((await run({ env, image: IMAGE })).ran).toEqual(["terraform version -json", SYNTH]);
  });

  test("takes another binary", async () => {
    const commands = { "tofu version -json": { stdout: '{"terraform_version":"1.9.0"}' } };

    expect((await run({ env: { TERRAFORM_BINARY_NAME: "tofu" }, commands })).ran).toContain(
      "tofu version -json",
    );
  });

  test("does not mind an account that may not look at the folder", async () => {
    await run({ routes: { [FOLDER]: { status: 403 } } });
  });

  test("tells all problems at once, the same one only once", async () => {
    const commands = {
      [SYNTH]: { exitCode: 1, stderr: "Yandex Cloud would reject this.\n  [app] 'x' is 1\n" },
      "terraform version -json": { exitCode: NOT_FOUND },
      "docker info": { exitCode: NOT_FOUND },
      "yc iam create-token --no-browser": { exitCode: 1 },
      "yc config get folder-id --no-browser": { exitCode: 1 },
    };

    await expect(
      run({ commands, routes: {}, config: { image: { context: "nowhere" } } }),
    ).rejects.toThrow(
      [
        "Nothing was changed. Fix this first:",
        "  - `terraform` is not installed. Install Terraform (https://developer.hashicorp.com/terraform/install), or set TERRAFORM_BINARY_NAME, e.g. to tofu.",
        `  - ${join(root, "nowhere/Dockerfile")} does not exist. Set 'image' in config.ts to where the Dockerfile is.`,
        "  - `docker` is not installed. Install it (https://docs.docker.com/engine/install/), or give an image that was built elsewhere with --image.",
        "  - Yandex Cloud would reject this.",
        "      [app] 'x' is 1",
        "  - Not logged in to Yandex Cloud. Run `yc init` first.",
        "  - No folder is set. Set 'folderId' in config.ts or YC_FOLDER_ID, or run `yc config set folder-id <id>`.",
      ].join("\n"),
    );
  });

  test.each<[string, Case, string]>([
    [
      "an old terraform",
      { commands: { "terraform version -json": { stdout: '{"terraform_version":"1.4.9"}' } } },
      "`terraform` is 1.4.9. Install 1.5 or newer.",
    ],
    [
      "a terraform without lock files for state in a bucket",
      {
        config: S3,
        env: S3_ENV,
        commands: { "terraform version -json": { stdout: '{"terraform_version":"1.9.8"}' } },
        routes: { ...NETWORK, ...bucket(200, 412) },
      },
      "`terraform` is 1.9.8. Install 1.10 or newer, because the state is kept in Object Storage.",
    ],
    [
      "a terraform that does not work",
      { commands: { "terraform version -json": { exitCode: 2, stderr: "Segmentation fault\n" } } },
      "`terraform version` failed (exit code 2): Segmentation fault. Reinstall it.",
    ],
    [
      "docker without a daemon",
      {
        commands: { "docker info": { exitCode: 1, stderr: "Cannot connect to the Docker daemon" } },
      },
      "Docker is not running. Start it",
    ],
    [
      "docker without buildx",
      { commands: { "docker buildx version": { exitCode: 1 } } },
      "Docker has no buildx. Install it: https://docs.docker.com/go/buildx/.",
    ],
    [
      "an image without a digest",
      { image: "cr.yandex/crp1/app:latest" },
      "is not an image by digest",
    ],
    [
      "no network",
      { routes: {} },
      "resource-manager.api.cloud.yandex.net cannot be reached. Check the network.",
    ],
    [
      "a folder that is not there",
      { routes: { [FOLDER]: { status: 404 } } },
      "Folder b1g does not exist. Check 'folderId' in config.ts or YC_FOLDER_ID.",
    ],
    [
      "a token that has expired",
      { routes: { [FOLDER]: { status: 401 } } },
      "resource-manager does not accept the token (401). It may have expired: IAM tokens live up to 12 hours.",
    ],
    ["an OAuth token", { env: { YC_TOKEN: "y0_x" } }, "YC_TOKEN holds an OAuth token."],
    [
      "a missing key for the queues",
      { config: { queueKey: "environment" }, env: { YC_MESSAGE_QUEUE_ACCESS_KEY: "x" } },
      "YC_MESSAGE_QUEUE_ACCESS_KEY and YC_MESSAGE_QUEUE_SECRET_KEY are not set, but 'queueKey' is \"environment\" in config.ts. Set them to a static key of an account with ymq.admin.",
    ],
    [
      "state in a bucket without a key",
      { config: S3 },
      "The state is kept in Object Storage, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set.",
    ],
    [
      "a bucket that is not there",
      { config: S3, env: S3_ENV, routes: { ...NETWORK, ...bucket(404) } },
      "Bucket states does not exist at https://storage.yandexcloud.net. Create it and switch versioning on.",
    ],
    [
      "a bucket that may not be written",
      { config: S3, env: S3_ENV, routes: { ...NETWORK, ...bucket(403) } },
      "The key in AWS_ACCESS_KEY_ID may not write to bucket states. Grant storage.editor on it.",
    ],
    [
      "a bucket that does not answer well",
      { config: S3, env: S3_ENV, routes: { ...NETWORK, ...bucket(503) } },
      "Bucket states cannot be written: https://storage.yandexcloud.net answered 503.",
    ],
    [
      "a bucket that ignores conditions",
      { config: S3, env: S3_ENV, routes: { ...NETWORK, ...bucket(200, 200) } },
      "Bucket states ignores conditional writes, so it cannot lock the state (https://storage.yandexcloud.net answered 200 instead of 412).",
    ],
  ])("refuses %s", async (_, options, message) => {
    await expect(run(options)).rejects.toThrow(message);
  });

  test("tells that docker's configuration is broken, unless a token makes it needless", async () => {
    mkdirSync(join(root, "broken"), { recursive: true });
    writeFileSync(join(root, "broken", "config.json"), "{");
    const env = { DOCKER_CONFIG: join(root, "broken") };

    await expect(run({ env })).rejects.toThrow(
      `${join(root, "broken", "config.json")} cannot be read as JSON`,
    );
    await run({ env: { ...env, YC_TOKEN: "t1.a.b" } });
  });

  describe("with an image that is remembered for these sources", () => {
    const noDocker = { "docker info": { exitCode: NOT_FOUND } };
    const state = () => join(root, ".state/default");

    beforeAll(() => {
      const config = settings({ image: { context: "site" } });
      const sourceHash = sourceHashOf(fakeSystem({ root }), config);
      mkdirSync(state(), { recursive: true });
      writeFileSync(join(state(), "image.json"), JSON.stringify({ image: IMAGE, sourceHash }));
    });
    afterAll(() => rmSync(join(state(), "image.json")));

    test("needs no docker", async () => {
      await run({ commands: noDocker });
    });

    test.each([
      ["it is to be built again", { rebuild: true }],
      ["the sources are gone", { config: { image: { context: "nowhere" } } }],
    ])("tells that docker is missing when %s", async (_, options) => {
      await expect(run({ ...options, commands: noDocker })).rejects.toThrow(
        "`docker` is not installed.",
      );
    });
  });

  test("proves the lock by two conditional writes and cleans up", async () => {
    const system = await run({
      config: S3,
      env: S3_ENV,
      routes: { ...NETWORK, ...bucket(200, 412) },
    });
    const toBucket = system.sent.filter(({ request }) => request.includes("storage"));

    expect(toBucket.map(({ request }) => request.split(" ")[0])).toEqual(["PUT", "PUT", "DELETE"]);
    const conditions = toBucket.map(({ init }) => new Headers(init?.headers).get("if-none-match"));
    expect(conditions).toEqual(["*", "*", null]);
    expect(new Headers(toBucket[0]?.init?.headers).get("authorization")).toMatch(
      /^AWS4-HMAC-SHA256 Credential=key\/20260102\/ru-central1\/s3\//,
    );
  });
});

test.each([
  ["1.11.4", "1.10", true],
  ["1.5.0", "1.5", true],
  ["1.9.8", "1.10", false],
  ["2.0.0", "1.10", true],
  ["0.15.5", "1.5", false],
  ["20.18.0", "20.18.1", false],
  ["20.18.1", "20.18.1", true],
  ["20.19.0", "20.18.1", true],
  ["22.0.0", "20.18.1", true],
  ["1.10", "1.10.0", true],
])("%s is at least %s: %s", (version, oldest, answer) => {
  expect(isAtLeast(version, oldest)).toBe(answer);
});

async function run({ config, env, commands, routes = NETWORK, image, rebuild }: Case) {
  const system = fakeSystem({
    root,
    env: { HOME: root, ...env },
    routes,
    commands: { ...GOOD, ...commands },
  });
  const options = {
    system,
    settings: settings({ image: { context: "site" }, ...config }),
    image,
    rebuild,
  };
  await runChecks(deployChecks({ ...options, access: accessOf(system) }));
  return system;
}

function bucket(first: number, second?: number): Routes {
  const stamp = Date.parse("2026-01-02T03:04:05Z").toString(36);
  const url = `https://storage.yandexcloud.net/states/shop/lock-check-${stamp}-${process.pid}`;
  return {
    [`PUT ${url}`]:
      second === undefined ? { status: first } : [{ status: first }, { status: second }],
    [`DELETE ${url}`]: { status: 204 },
  };
}
