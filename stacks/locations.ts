import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { App, type TerraformStack } from "cdktf";
import type { StateLocation } from "../constructs/provider.ts";
import type { Settings } from "./settings.ts";

/** The directory, from the project's, in which Terraform runs for a stack. */
export function stackDirectory(stack: TerraformStack): string {
  return join(App.of(stack).outdir, "stacks", stack.node.id);
}

/** The directory of a stage's local state and of what its commands remember. */
export function stageDirectory(stage: string | undefined): string {
  return join(".state", stage ?? "default");
}

/** Makes that directory, for nobody but its owner: the state in it holds the key for queues. */
export function makeStageDirectory(stage: string | undefined): void {
  mkdirSync(stageDirectory(stage), { recursive: true, mode: 0o700 });
}

/** Where a stack's state is kept. A local path is relative, so that every machine renders the same. */
export function stateLocation(
  settings: Settings,
  kind: "registry" | "domain" | "app",
  directory: string,
): StateLocation {
  const { backend, stage } = settings;
  if (backend.type === "local") {
    return { path: relative(directory, join(stageDirectory(stage), `${kind}.tfstate`)) };
  }
  const { bucket, endpoint, region, prefix } = backend;
  return { bucket, endpoint, region, key: `${prefix}/${stage ?? "default"}/${kind}.tfstate` };
}
