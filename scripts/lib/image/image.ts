import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeWhole } from "../../../packages/local-cloud/support/write-whole.ts";
import { makeStageDirectory } from "../../../stacks/directories.ts";
import {
  IMAGE_FILE,
  imageMemory,
  type RememberedImage,
  rememberedImage,
  renderImageFile,
} from "../../../stacks/remembered-image.ts";
import type { Settings } from "../../../stacks/settings.ts";
import { findCaller } from "../cloud/caller.ts";
import { CloudApi } from "../cloud/cloud-api.ts";
import { UsageError } from "../shell/command-line.ts";
import { digitsOf, type Environment, type System } from "../shell/system.ts";
import { terraformDirectory } from "../terraform/terraform.ts";
import { hashContext, refuseSecrets } from "./build-context.ts";
import { commitTag, findCommit } from "./commit.ts";
import { type BuildOptions, buildImage, HOST } from "./docker.ts";
import { listImages, type RegistryImage, requireImage } from "./registry-images.ts";

const TAG_LENGTH = 16;
/** The worker package, of which each image has a layer. */
const WORKER_FOLDER = join("packages", "celery-push-worker");

/** Which image a stage is to have. `rebuild`: also when the sources are unchanged. */
export interface ImageOptions extends BuildOptions {
  /** An image pushed by someone else, by digest. */
  readonly given?: string | undefined;
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
  const { system, access, settings, repository, given, rebuild } = options;
  const api = new CloudApi(system, access);
  if (given) {
    await requireImage(api, given);
    await remember(system, settings, { image: given });
    return { image: given, what: "as given" };
  }
  const sourceHash = sourceHashOf(system, settings);
  const name = sourceHash.slice(0, TAG_LENGTH);
  const tag = rebuild ? `${name}-${digitsOf(system.now())}` : name;
  const images = await listImages(api, repository.slice(HOST.length + 1));
  const known = rebuild ? undefined : newestBuild(images, name);
  const digest = known?.digest ?? (await buildImage(options, await tagsOf(options, tag)));
  const image = `${repository}@${digest}`;
  await remember(system, settings, { image, sourceHash });
  return { image, what: known ? "unchanged" : "built and pushed" };
}

/** The image that a pipeline or the user has given: the flag, or TF_VAR_image, or IMAGE. */
export function givenImage(flag: string | undefined, env: Environment): string | undefined {
  return flag || env.TF_VAR_image || env.IMAGE || undefined;
}

/** @throws UsageError if an image is given and another one is to be built */
export function refuseBoth(given: string | undefined, rebuild: boolean): void {
  if (!given || !rebuild) return;
  throw new UsageError(
    `--rebuild builds an image, but ${given} is given. Leave one of them out (TF_VAR_image and IMAGE count too).`,
  );
}

/** What `npm run image` would do. */
export function describeImage(
  system: System,
  settings: Settings,
  { given, rebuild }: Pick<ImageOptions, "given" | "rebuild">,
): string {
  if (given) return `would remember ${given}`;
  // Sources that cannot be built are told here too.
  const sourceHash = sourceHashOf(system, settings);
  const kept = !rebuild && isUnchanged(system, settings, () => sourceHash);
  return kept ? "would keep the remembered image" : "would build and push";
}

/** Forgets a stage's image, after its registry is gone. */
export function forgetImage(system: System, stage: string | undefined): void {
  rmSync(join(system.root, imageMemory(stage)), { force: true });
  rmSync(join(system.root, terraformDirectory(system.env, "app", stage), IMAGE_FILE), {
    force: true,
  });
}

/** The hash of the sources that the stage's image is built from. */
export function sourceHashOf(system: System, { image }: Settings): string {
  const input = {
    ...image,
    context: resolve(system.root, image.context),
    further: [resolve(system.root, WORKER_FOLDER)],
  };
  refuseSecrets(input, system.root);
  return hashContext(input);
}

/** Whether the sources are those of the remembered image, so that docker may not be needed. */
export function isUnchanged(
  system: System,
  settings: Settings,
  current = () => sourceHashOf(system, settings),
): boolean {
  const { sourceHash } = rememberedImage(settings.stage, system.root) ?? {};
  return sourceHash !== undefined && sourceHash === current();
}

async function tagsOf({ system, settings }: ImageOptions, tag: string): Promise<string[]> {
  const commit = await findCommit(system, settings.image.context);
  return [tag, ...(commit ? [commitTag(commit, tag)] : [])];
}

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

async function remember(
  system: System,
  settings: Settings,
  built: Omit<RememberedImage, "caller">,
): Promise<void> {
  const { stage, manage } = settings;
  const image = { ...built, ...(manage && { caller: await findCaller(system) }) };
  makeStageDirectory(stage, system.root);
  writeWhole(join(system.root, imageMemory(stage)), `${JSON.stringify(image, null, 2)}\n`);
  // Synth has run before.
  const stack = join(system.root, terraformDirectory(system.env, "app", stage));
  if (existsSync(stack)) writeWhole(join(stack, IMAGE_FILE), renderImageFile(image, settings));
}
