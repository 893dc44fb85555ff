import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { stageDirectory } from "./directories.ts";
import type { Settings } from "./settings.ts";
import { CALLER_VARIABLE } from "./variables.ts";

/**
 * How a stage's image, built between the stacks `registry` and `app`, gets into Terraform.
 *
 * `.state/<stage>/image.json` is the memory. Only `npm run image` and `npm run deploy` write it: the
 * image they have built, or were given by --image, TF_VAR_image or IMAGE. Beside the stack `app` lies
 * {@link IMAGE_FILE} with the same image: put there by synth, and by those two when the stack was
 * synthesized before. Terraform prefers that file to TF_VAR_image. `npm run plan` takes what it is
 * given, then the memory, then the deployed image, then a placeholder.
 */
export interface RememberedImage {
  /** By digest: `cr.yandex/<registry>/<repository>@sha256:…`. */
  readonly image: string;
  /** Hash of the sources it was built from; `undefined` for an image that was given. */
  readonly sourceHash?: string | undefined;
  /** Who deploys it, as a subject of access bindings; only where commands of `manage.py` can be run. */
  readonly caller?: string | undefined;
}

const schema = v.object({
  image: v.string(),
  sourceHash: v.optional(v.string()),
  caller: v.optional(v.string()),
});

/** The file of variables beside the stack, named so that Terraform reads it. */
export const IMAGE_FILE = "image.auto.tfvars.json";

/** The file of the memory, from the project's directory. */
export function imageMemory(stage: string | undefined): string {
  return join(stageDirectory(stage), "image.json");
}

/** The image that a stage remembers. A file that cannot be read counts as forgotten. */
export function rememberedImage(
  stage: string | undefined,
  root = ".",
): RememberedImage | undefined {
  try {
    return v.parse(schema, JSON.parse(readFileSync(join(root, imageMemory(stage)), "utf8")));
  } catch {
    return undefined;
  }
}

/** The text of {@link IMAGE_FILE}, for a stack that asks for the caller or does not. */
export function renderImageFile(
  { image, caller }: RememberedImage,
  { manage }: Pick<Settings, "manage">,
): string {
  const variables = { image, ...(manage && { [CALLER_VARIABLE]: caller }) };
  return `${JSON.stringify(variables, null, 2)}\n`;
}
