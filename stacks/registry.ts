import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { configureStack } from "../constructs/configure-stack.ts";
import { ContainerRegistry } from "../constructs/container-registry.ts";
import { defineOutputs } from "./define-outputs.ts";
import { pathToProject, stateLocation } from "./directories.ts";
import type { RegistryOutputs } from "./outputs.ts";
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
    const { outdir } = App.of(this);
    configureStack(this, {
      folderId: settings.folderId,
      state: stateLocation(settings, "registry", outdir),
    });
    const registry = new ContainerRegistry(this, "Images", {
      name: registryName(settings),
      repository: REPOSITORY,
      keepNewest: settings.keepNewest,
      purgeCommand: `npm --prefix ${pathToProject(outdir, this.node.id)} run --silent image -- --purge`,
    });
    defineOutputs<RegistryOutputs>(this, {
      registry_id: registry.id,
      repository: registry.repositoryUrl,
    });
  }
}
