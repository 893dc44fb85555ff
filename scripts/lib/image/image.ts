import { existsSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import * as v from "valibot";
import {
  BAKE,
  BAKE_ENVIRONMENT,
  BAKE_TARGET,
  renderSources,
} from "../../../packages/local-cloud/containers/image-build.ts";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import { IMAGE_FILE, makeStageDirectory, stageDirectory } from "../../../stacks/locations.ts";
import type { Settings } from "../../../stacks/settings.ts";
import type { Access } from "../cloud/access.ts";
import { CloudApi } from "../cloud/cloud-api.ts";
import { childEnvironment } from "../shell/child-environment.ts";
import { UsageError } from "../shell/command-line.ts";
import { logFile } from "../shell/run-logs.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import {
  digitsOf,
  type Environment,
  NOT_FOUND,
  type RunResult,
  type World,
} from "../shell/world.ts";
import { stackDirectory } from "../terraform/terraform.ts";
import { hashContext, refuseSecrets } from "./build-context.ts";
import { listImages, type RegistryImage, requireImage } from "./registry-images.ts";

const HOST = "cr.yandex";
const TAG_LENGTH = 16;
/** The worker package, of which each image has a layer. */
const WORKER_FOLDER = join("packages", "celery-push-worker");

export interface ImageOptions {
  readonly world: World;
  readonly access: Access;
  readonly settings: Settings;
  /** `cr.yandex/<registry id>/<repository>`. */
  readonly repository: string;
  /** An image pushed by someone else, by digest. */
  readonly given?: string | undefined;
  /** Build although the sources are unchanged, from the newest base image. */
  readonly rebuild?: boolean;
  readonly report: (line: string) => void;
}

/** What became of the image. */
export interface ImageOutcome {
  readonly image: string;
  /** One phrase for the user. */
  readonly what: string;
}

/**
 * Sees to it that the image of the current sources is in the registry, and remembers it for the
 * stage. Sources that were built before, here or elsewhere, are neither built nor pushed again: the
 * image's tag is the hash of its sources, followed by the time where it was built once more.
 */
export async function ensureImage(options: ImageOptions): Promise<ImageOutcome> {
  const { world, access, settings, repository, given, rebuild } = options;
  const api = new CloudApi(world, access);
  if (given) {
    await requireImage(api, given);
    remember(world, settings.stage, { image: given });
    return { image: given, what: "as given" };
  }
  const sourceHash = sourceHashOf(world, settings);
  const name = sourceHash.slice(0, TAG_LENGTH);
  const tag = rebuild ? `${name}-${digitsOf(world.now())}` : name;
  const images = await listImages(api, repository.slice(HOST.length + 1));
  const known = rebuild ? undefined : newestBuild(images, name);
  const digest = known?.digest ?? (await build(options, tag));
  const image = `${repository}@${digest}`;
  remember(world, settings.stage, { image, sourceHash });
  return { image, what: known ? "unchanged" : "built and pushed" };
}

/** The image that a pipeline or the user has given: the flag, or TF_VAR_image, or IMAGE. */
export function givenImage(flag: string | undefined, env: Environment): string | undefined {
  return flag || env.TF_VAR_image || env.IMAGE || undefined;
}

/** Refuses to build an image and to be given one at the same time. */
export function refuseBoth(given: string | undefined, rebuild: boolean): void {
  if (!given || !rebuild) return;
  throw new UsageError(
    `--rebuild builds an image, but ${given} is given. Leave one of them out (TF_VAR_image and IMAGE count too).`,
  );
}

/** What `npm run image` would do. */
export function describeImage(
  world: World,
  settings: Settings,
  { given, rebuild }: Pick<ImageOptions, "given" | "rebuild">,
): string {
  if (given) return `would remember ${given}`;
  // Sources that cannot be built are told here too.
  const sourceHash = sourceHashOf(world, settings);
  const kept = !rebuild && isUnchanged(world, settings, () => sourceHash);
  return kept ? "would keep the remembered image" : "would build and push";
}

/** The image that the last run remembered for a stage. What cannot be read counts as forgotten. */
export function rememberedImage(world: World, stage: string | undefined): Remembered | undefined {
  const memory = v.safeParse(memorySchema, readJson(memoryFile(world, stage)));
  return memory.success ? memory.output : undefined;
}

/** Forgets a stage's image, after its registry is gone. */
export function forgetImage(world: World, stage: string | undefined): void {
  rmSync(memoryFile(world, stage), { force: true });
  rmSync(join(world.root, stageDirectory(stage), IMAGE_FILE), { force: true });
  rmSync(join(world.root, stackDirectory(world.env, "app", stage), IMAGE_FILE), { force: true });
}

/** The hash of the sources that the stage's image is built from. */
export function sourceHashOf(world: World, { image }: Settings): string {
  const input = {
    ...image,
    context: resolve(world.root, image.context),
    further: [resolve(world.root, WORKER_FOLDER)],
  };
  refuseSecrets(input, world.root);
  return hashContext(input);
}

/** Whether the sources are those of the remembered image, so that docker may not be needed. */
export function isUnchanged(
  world: World,
  settings: Settings,
  current = () => sourceHashOf(world, settings),
): boolean {
  const { sourceHash } = rememberedImage(world, settings.stage) ?? {};
  return sourceHash !== undefined && sourceHash === current();
}

/** What to do about a `docker` that did not do its work. */
export function dockerError(what: string, { exitCode, stdout, stderr }: RunResult): UserError {
  if (exitCode === NOT_FOUND) {
    return new UserError(
      "`docker` is not installed. Install it (https://docs.docker.com/engine/install/), or give an image that was built elsewhere with --image.",
    );
  }
  const output = `${stdout}\n${stderr}`.trim();
  if (/Cannot connect to the Docker daemon/i.test(output)) {
    return new UserError(
      "Docker does not run. Start it, or give an image that was built elsewhere with --image.",
    );
  }
  const hint = /denied|unauthorized/i.test(output)
    ? "\nGrant container-registry.images.pusher on the registry to this account."
    : "";
  const reason = output.split("\n").slice(-15).join("\n");
  return new UserError(`${what} failed (docker exited ${exitCode}): ${reason}${hint}`);
}

type Remembered = v.InferOutput<typeof memorySchema>;

const memorySchema = v.object({ image: v.string(), sourceHash: v.optional(v.string()) });

const metadataSchema = v.object({
  [BAKE_TARGET]: v.object({ "containerimage.digest": v.string() }),
});

// Not by the image's own tag alone: a later build of the same sources replaces an earlier one.
function newestBuild(images: readonly RegistryImage[], name: string): RegistryImage | undefined {
  const tagged = images.flatMap((image) => image.tags.map((tag) => ({ tag, image })));
  return tagged
    .filter(({ tag }) => tag === name || tag.startsWith(`${name}-`))
    .reduce<(typeof tagged)[number] | undefined>(
      (newest, one) => (newest && newest.tag > one.tag ? newest : one),
      undefined,
    )?.image;
}

async function build(options: ImageOptions, tag: string): Promise<string> {
  const { world, settings, repository, rebuild } = options;
  await logIn(options);
  const metadata = join(stageDirectory(settings.stage), "build.json");
  makeStageDirectory(settings.stage, world.root);
  rmSync(join(world.root, metadata), { force: true });
  const args = renderBuild(settings, `${repository}:${tag}`, metadata, rebuild);
  const result = await world.run("docker", args, {
    env: { ...childEnvironment(world.env, "docker"), ...BAKE_ENVIRONMENT },
    logFile: logFile(world, settings.stage, "image"),
    onLine: options.report,
  });
  if (result.exitCode !== 0) throw dockerError("Building and pushing the image", result);
  const written: unknown = JSON.parse(readFileSync(join(world.root, metadata), "utf8"));
  return v.parse(metadataSchema, written)[BAKE_TARGET]["containerimage.digest"];
}

/**
 * Builds the project's own image, unchanged, and on top of it the one that is pushed. One manifest
 * and no index: the lifecycle policy would remove an index's untagged parts.
 */
export function renderBuild(
  { image }: Settings,
  reference: string,
  metadata: string,
  rebuild = false,
): string[] {
  return [
    ...BAKE,
    ...renderSources(image.context, image.dockerfile),
    "--set=*.platform=linux/amd64",
    "--provenance=false",
    "--sbom=false",
    ...(rebuild ? ["--pull", "--no-cache"] : []),
    "--push",
    "--metadata-file",
    metadata,
    `--set=${BAKE_TARGET}.tags=${reference}`,
    BAKE_TARGET,
  ];
}

async function logIn({ world, access }: ImageOptions): Promise<void> {
  if (!access.given && hasCredentialHelper(world.env)) return;
  const args = ["login", "--username", "iam", "--password-stdin", HOST];
  const env = childEnvironment(world.env, "docker");
  const result = await world.run("docker", args, { env, input: await access.token() });
  if (result.exitCode !== 0) throw dockerError(`Logging in to ${HOST}`, result);
}

/** Whether docker fetches a token for the registry by itself. */
export function hasCredentialHelper(env: Environment): boolean {
  const file = join(env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker"), "config.json");
  if (!existsSync(file)) return false;
  const schema = v.object({ credHelpers: v.optional(v.record(v.string(), v.string()), {}) });
  const config = v.safeParse(schema, parseDockerConfig(file));
  return config.success && config.output.credHelpers[HOST] !== undefined;
}

function parseDockerConfig(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UserError(
      `${file} cannot be read as JSON (${messageOf(error)}). Mend it, or remove it and log in again with \`docker login\`.`,
      { cause: error },
    );
  }
}

// Where plain `cdktf deploy` finds it too: synth copies the file, but may have run before.
function remember(world: World, stage: string | undefined, memory: Remembered): void {
  const directory = makeStageDirectory(stage, world.root);
  const variables = `${JSON.stringify({ image: memory.image }, null, 2)}\n`;
  writeWhole(memoryFile(world, stage), `${JSON.stringify(memory, null, 2)}\n`);
  writeWhole(join(directory, IMAGE_FILE), variables);
  const stack = join(world.root, stackDirectory(world.env, "app", stage));
  if (existsSync(stack)) writeWhole(join(stack, IMAGE_FILE), variables);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function memoryFile(world: World, stage: string | undefined): string {
  return join(world.root, stageDirectory(stage), "image.json");
}
