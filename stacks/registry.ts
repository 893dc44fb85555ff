import { relative } from "node:path";
import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { configureStack } from "../constructs/configure-stack.ts";
import { ContainerRegistry } from "../constructs/container-registry.ts";
import { stateLocation } from "./directories.ts";
import { defineOutput, stackDirectory } from "./output.ts";
import { namePrefix, type Settings, stackId } from "./settings.ts";

/** The one repository of the registry. */
export const REPOSITORY = "app";

/** The name under which the stack that runs the images finds the registry. */
export function registryName(settings: Settings): string {
  return `${namePrefix(settings)}-images`;
}

/** The registry, before anything else: the image is pushed to it between this stack and `app`. */
export class RegistryStack extends TerraformStack {
  constructor(scope: Construct, settings: Settings) {
    super(scope, stackId("registry", settings.stage));
    const directory = stackDirectory(this);
    configureStack(this, {
      folderId: settings.folderId,
      state: stateLocation(settings, "registry", directory),
    });
    const registry = new ContainerRegistry(this, "Images", {
      name: registryName(settings),
      repository: REPOSITORY,
      keepNewest: settings.keepNewest,
      // Terraform runs the command where the stack lies.
      purgeCommand: `npm --prefix ${relative(directory, ".")} run --silent image -- --purge`,
    });
    defineOutput(this, "registry_id", registry.id);
    defineOutput(this, "repository", registry.repositoryUrl);
  }
}
