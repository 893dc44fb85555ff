import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { App } from "cdktf";
import { stageDirectory } from "./locations.ts";
import { type Settings, stackId } from "./settings.ts";

/** The file in which `npm run image` remembers a stage's image, named so that Terraform reads it. */
export const IMAGE_FILE = "image.auto.tfvars.json";

/**
 * Writes the Terraform of all stacks, and puts the image that `npm run image` remembered beside the
 * stack that takes it, so that plain `cdktf deploy` finds it too.
 */
export function synthesize(app: App, settings: Settings): void {
  app.synth();
  const remembered = join(stageDirectory(settings.stage), IMAGE_FILE);
  if (!existsSync(remembered)) return;
  const directory = join(app.outdir, "stacks", stackId("app", settings.stage));
  mkdirSync(directory, { recursive: true });
  copyFileSync(remembered, join(directory, IMAGE_FILE));
}
