import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type App, TerraformStack } from "cdktf";
import { refusedByLists } from "../constructs/_refusal.ts";
import { stackDirectory } from "./directories.ts";
import { labelResources } from "./labels.ts";
import { provideStateId } from "./ownership.ts";
import { IMAGE_FILE, rememberedImage, renderImageFile } from "./remembered-image.ts";
import { type Settings, stackId } from "./settings.ts";
import { provideTerraformFiles } from "./terraform-files.ts";

/**
 * Writes the Terraform of all stacks, and puts the image that `npm run image` remembered beside the
 * stack that takes it, so that plain `cdktf deploy` finds it too.
 *
 * @throws Error with every problem of every stack, each prefixed with its construct's path
 */
export function synthesize(app: App, settings: Settings): void {
  const stacks = app.node.children.filter(TerraformStack.isStack);
  for (const stack of stacks) labelResources(stack, settings);
  rejectInvalid(app);
  app.synth();
  const synthesis = relative(".", app.outdir);
  const directories = stacks.map(({ node }) => stackDirectory(synthesis, node.id));
  for (const directory of directories) console.log(join(directory, "cdk.tf.json"));
  for (const directory of directories) provideTerraformFiles(directory, settings);
  provideStateId(directories, settings);
  provideImage(app, settings);
}

// Here, because `cdktf deploy` tends to lose the last lines of a failing terraform.
function provideImage({ outdir }: App, settings: Settings): void {
  const { stage } = settings;
  const id = stackId("app", stage);
  const remembered = rememberedImage(stage);
  const file = join(stackDirectory(outdir, id), IMAGE_FILE);
  if (remembered) writeFileSync(file, renderImageFile(remembered, settings));
  else if (!process.env.TF_VAR_image) {
    console.log(
      `Stack ${id} has no image yet: run \`npm run image\` before \`cdktf deploy ${id}\`.`,
    );
  }
}

// The framework validates too, but stops at the first stack that has problems.
function rejectInvalid(app: App): void {
  const problems = app.node
    .findAll()
    .flatMap((construct) =>
      construct.node.validate().map((message) => `  [${construct.node.path}] ${message}`),
    );
  if (problems.length === 0) return;
  throw new Error(
    ["Yandex Cloud would reject this. Fix it in config.ts:", ...problems, ...waysPast(app)].join(
      "\n",
    ),
  );
}

// The vendor's lists grow, and nobody should have to wait for a release of this project.
function waysPast(app: App): string[] {
  const refused = refusedByLists(app);
  if (refused.length === 0) return [];
  const sources = [...new Set(refused.map(({ source }) => `  ${source}`))];
  const values = JSON.stringify(refused.map(({ value }) => value));
  return [
    `If Yandex Cloud accepts this now, add accept: ${values} to config.ts. Documented at:`,
    ...sources,
  ];
}
