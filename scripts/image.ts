import { accessOf } from "./lib/cloud/access.ts";
import { CloudApi } from "./lib/cloud/cloud-api.ts";
import { openSession, settingsOf } from "./lib/cloud/session.ts";
import { describeImage, ensureImage, givenImage, refuseBoth } from "./lib/image/image.ts";
import { purgeRegistry } from "./lib/image/registry-images.ts";
import { DRY_RUN, REBUILD, STAGE, UsageError, VERBOSE } from "./lib/shell/command-line.ts";
import { main } from "./lib/shell/main.ts";
import type { System } from "./lib/shell/system.ts";
import { parseRegistryOutputs } from "./lib/terraform/outputs.ts";
import { synthesize } from "./lib/terraform/synthesize.ts";

const command = {
  name: "image",
  summary:
    "Builds the image for linux/amd64, pushes it and remembers it for the stage, unless its sources are unchanged.",
  flags: {
    stage: STAGE,
    image: {
      type: "string",
      value: "cr.yandex/…@sha256:…",
      help: "remember an image that was pushed elsewhere; TF_VAR_image or IMAGE otherwise",
    },
    rebuild: REBUILD,
    purge: { type: "boolean", help: "delete every image of a registry, before it is destroyed" },
    registry: { type: "string", value: "id", help: "the registry to purge; REGISTRY_ID otherwise" },
    "dry-run": DRY_RUN,
    verbose: VERBOSE,
  },
} as const;

await main(
  command,
  async (system, { stage, image, rebuild, purge, registry, verbose, "dry-run": dryRun }) => {
    if (purge) return purgeImages(system, registry || system.env.REGISTRY_ID, dryRun);
    const settings = settingsOf(stage);
    const given = givenImage(image, system.env);
    refuseBoth(given, rebuild);
    if (dryRun) return system.say(describeImage(system, settings, { given, rebuild }));
    const { access, terraform } = await openSession(system, settings);
    await synthesize(system, stage);
    await terraform.init("registry");
    const { repository } = parseRegistryOutputs(await terraform.outputs("registry"));
    const report = (line: string) => verbose && system.warn(line);
    const options = { system, access, settings, repository, given, rebuild, report };
    const outcome = await ensureImage(options);
    system.say(`${outcome.image} (${outcome.what})`);
  },
);

async function purgeImages(system: System, registry: string | undefined, dryRun: boolean) {
  if (!registry) throw new UsageError("Which registry? Give --registry or set REGISTRY_ID.");
  if (dryRun) return system.say(`would delete every image of registry ${registry}`);
  const deleted = await purgeRegistry(new CloudApi(system, accessOf(system)), registry);
  system.say(`${deleted} images deleted from registry ${registry}`);
}
