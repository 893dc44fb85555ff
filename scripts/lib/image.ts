import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { stageDirectory } from "../../stacks/locations.ts";
import type { Settings } from "../../stacks/settings.ts";
import { IMAGE_FILE } from "../../stacks/synthesize.ts";
import type { Access } from "./access.ts";
import { hashContext } from "./build-context.ts";
import { CloudApi } from "./cloud-api.ts";
import { listImages, requireImage } from "./registry-images.ts";
import { stackDirectory } from "./terraform.ts";
import { UserError } from "./user-error.ts";
import { type Environment, NOT_FOUND, type RunResult, type World } from "./world.ts";

const HOST = "cr.yandex";
const TAG_LENGTH = 16;

export interface ImageOptions {
  readonly world: World;
  readonly access: Access;
  readonly settings: Settings;
  /** `cr.yandex/<registry id>/<repository>`. */
  readonly repository: string;
  /** An image pushed by someone else, by digest. */
  readonly given?: string | undefined;
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
 * image's tag is the hash of its sources.
 */
export async function ensureImage(options: ImageOptions): Promise<ImageOutcome> {
  const { world, access, settings, repository, given } = options;
  const api = new CloudApi(world, access);
  if (given) {
    await requireImage(api, given);
    remember(world, settings.stage, { image: given });
    return { image: given, what: "as given" };
  }
  const sourceHash = sourceHashOf(world, settings);
  const tag = sourceHash.slice(0, TAG_LENGTH);
  const images = await listImages(api, repository.slice(HOST.length + 1));
  const known = images.find(({ tags }) => tags.includes(tag));
  const digest = known?.digest ?? (await build(options, tag));
  const image = `${repository}@${digest}`;
  remember(world, settings.stage, { image, sourceHash });
  return { image, what: known ? "unchanged" : "built and pushed" };
}

/** The image that a pipeline or the user has given: the flag, or TF_VAR_image, or IMAGE. */
export function givenImage(flag: string | undefined, env: Environment): string | undefined {
  return flag || env.TF_VAR_image || env.IMAGE || undefined;
}

/** The image that the last run remembered for a stage. */
export function rememberedImage(world: World, stage: string | undefined): Remembered | undefined {
  const file = memoryFile(world, stage);
  return existsSync(file)
    ? v.parse(memorySchema, JSON.parse(readFileSync(file, "utf8")))
    : undefined;
}

/** Forgets a stage's image, after its registry is gone. */
export function forgetImage(world: World, stage: string | undefined): void {
  rmSync(memoryFile(world, stage), { force: true });
  rmSync(join(world.root, stageDirectory(stage), IMAGE_FILE), { force: true });
  rmSync(join(world.root, stackDirectory(world.env, "app", stage), IMAGE_FILE), { force: true });
}

/** The hash of the sources that the stage's image is built from. */
export function sourceHashOf(world: World, { image }: Settings): string {
  return hashContext({ ...image, context: resolve(world.root, image.context) });
}

/** Whether the sources are those of the remembered image, so that docker may not be needed. */
export function isUnchanged(world: World, settings: Settings): boolean {
  const { sourceHash } = rememberedImage(world, settings.stage) ?? {};
  return sourceHash !== undefined && sourceHash === sourceHashOf(world, settings);
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

const metadataSchema = v.object({ "containerimage.digest": v.string() });

async function build(options: ImageOptions, tag: string): Promise<string> {
  const { world, settings, repository } = options;
  await logIn(options);
  const directory = stageDirectory(settings.stage);
  const metadata = join(directory, "build.json");
  mkdirSync(join(world.root, directory), { recursive: true });
  rmSync(join(world.root, metadata), { force: true });
  const result = await world.run(
    "docker",
    renderBuild(settings, `${repository}:${tag}`, metadata),
    {
      logFile: join(directory, "log", "image.log"),
      onLine: options.report,
    },
  );
  if (result.exitCode !== 0) throw dockerError("Building and pushing the image", result);
  const written: unknown = JSON.parse(readFileSync(join(world.root, metadata), "utf8"));
  return v.parse(metadataSchema, written)["containerimage.digest"];
}

/** One manifest and no index: the lifecycle policy would remove an index's untagged parts. */
export function renderBuild({ image }: Settings, reference: string, metadata: string): string[] {
  return [
    "buildx",
    "build",
    "--platform",
    "linux/amd64",
    "--provenance=false",
    "--sbom=false",
    "--push",
    "--metadata-file",
    metadata,
    "--file",
    join(image.context, image.dockerfile),
    "--tag",
    reference,
    image.context,
  ];
}

async function logIn({ world, access }: ImageOptions): Promise<void> {
  if (!access.given && hasCredentialHelper(world.env)) return;
  const args = ["login", "--username", "iam", "--password-stdin", HOST];
  const result = await world.run("docker", args, { input: await access.token() });
  if (result.exitCode !== 0) throw dockerError(`Logging in to ${HOST}`, result);
}

function hasCredentialHelper(env: Environment): boolean {
  const file = join(env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker"), "config.json");
  if (!existsSync(file)) return false;
  const schema = v.object({ credHelpers: v.optional(v.record(v.string(), v.string()), {}) });
  const config = v.safeParse(schema, JSON.parse(readFileSync(file, "utf8")));
  return config.success && config.output.credHelpers[HOST] !== undefined;
}

// Where plain `cdktf deploy` finds it too: synth copies the file, but may have run before.
function remember(world: World, stage: string | undefined, memory: Remembered): void {
  const directory = join(world.root, stageDirectory(stage));
  mkdirSync(directory, { recursive: true });
  writeFileSync(memoryFile(world, stage), `${JSON.stringify(memory, null, 2)}\n`);
  const variables = join(directory, IMAGE_FILE);
  writeFileSync(variables, `${JSON.stringify({ image: memory.image }, null, 2)}\n`);
  const stack = join(world.root, stackDirectory(world.env, "app", stage));
  if (existsSync(stack)) copyFileSync(variables, join(stack, IMAGE_FILE));
}

function memoryFile(world: World, stage: string | undefined): string {
  return join(world.root, stageDirectory(stage), "image.json");
}
