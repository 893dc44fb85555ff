import { copyFileSync, existsSync } from "node:fs";
import { join, relative } from "node:path";
import { type App, TerraformStack } from "cdktf";
import { stageDirectory } from "./locations.ts";
import { type Settings, stackId } from "./settings.ts";

/** The file in which `npm run image` remembers a stage's image, named so that Terraform reads it. */
export const IMAGE_FILE = "image.auto.tfvars.json";

/**
 * Writes the Terraform of all stacks, and puts the image that `npm run image` remembered beside the
 * stack that takes it, so that plain `cdktf deploy` finds it too.
 *
 * @throws Error with every refusal of every stack, each prefixed with its construct's path
 */
export function synthesize(app: App, settings: Settings): void {
  refuseAll(app);
  app.synth();
  const remembered = join(stageDirectory(settings.stage), IMAGE_FILE);
  const directory = join(app.outdir, "stacks", stackId("app", settings.stage));
  if (existsSync(remembered)) copyFileSync(remembered, join(directory, IMAGE_FILE));
  for (const stack of app.node.children.filter(TerraformStack.isStack)) {
    console.log(join(relative(".", app.outdir), "stacks", stack.node.id, "cdk.tf.json"));
  }
}

// The framework validates too, but stops at the first stack that has problems.
function refuseAll(app: App): void {
  const refusals = app.node
    .findAll()
    .flatMap((construct) =>
      construct.node.validate().map((message) => `  [${construct.node.path}] ${message}`),
    );
  if (refusals.length === 0) return;
  throw new Error(["The cloud would refuse this. Mend it in config.ts:", ...refusals].join("\n"));
}
