import * as v from "valibot";
import { rememberedImage } from "../../stacks/remembered-image.ts";
import { type StackKind, stackId, stackKinds } from "../../stacks/settings.ts";
import { CALLER_VARIABLE } from "../../stacks/variables.ts";
import { certificateStatus, isRefused, refusedCertificate } from "./cloud/certificate.ts";
import type { Session } from "./cloud/session.ts";
import { projectNotes } from "./local/project-checks.ts";
import { type Outputs, parseDomainOutputs } from "./terraform/outputs.ts";
import { synthesize } from "./terraform/synthesize.ts";
import type { TerraformVariables } from "./terraform/terraform.ts";

/** Stands for an image that is not built yet. Plans with it are good for reading only. */
export const PLACEHOLDER_IMAGE = `cr.yandex/placeholder/app@sha256:${"0".repeat(64)}`;

/** Stands for whoever deploys, where nobody has yet. */
export const PLACEHOLDER_CALLER = "userAccount:placeholder";

/**
 * Prints the plan of every stack, in the order in which a deploy applies them, and what Django's
 * system checks say of the project, as a deploy does.
 */
export async function planStacks(session: Session, given: string | undefined): Promise<void> {
  const { system, settings, terraform } = session;
  await synthesize(system, settings.stage);
  // Beside Terraform: it takes seconds to load a project.
  const asking = projectNotes(system, settings);
  for (const kind of stackKinds(settings)) {
    system.say(`\n── ${stackId(kind, settings.stage)} ──`);
    await terraform.init(kind);
    const obstacle = await findObstacle(session, kind);
    if (obstacle) system.say(obstacle);
    else if (kind === "app") await planApp(session, given, await refusedCertificate(session));
    else system.say(await terraform.plan(kind));
  }
  for (const note of await asking) system.say(`Note: ${note}`);
}

async function planApp(
  { system, settings, terraform }: Session,
  given: string | undefined,
  certificate: TerraformVariables,
) {
  const deployed = parseDeployed(await terraform.outputs("app"));
  const remembered = rememberedImage(settings.stage, system.root);
  const image = given ?? remembered?.image ?? deployed?.containers.web.image;
  const caller = remembered?.caller ?? deployed?.manage?.caller ?? PLACEHOLDER_CALLER;
  if (image === undefined) {
    system.say(`No image is built yet. Planned with a placeholder: ${PLACEHOLDER_IMAGE}`);
  }
  const variables = {
    image: image ?? PLACEHOLDER_IMAGE,
    ...(settings.manage && { [CALLER_VARIABLE]: caller }),
    ...certificate,
  };
  system.say(await terraform.plan("app", variables));
}

// Each of these would make the plan fail although nothing is wrong.
async function findObstacle(session: Session, kind: StackKind) {
  if (kind === "registry" || kind === "data") return undefined;
  const missing = kind === "app" ? await findMissing(session) : undefined;
  if (missing) return missing;
  const { settings, terraform, api } = session;
  if (!settings.domain) return undefined;
  if (kind === "app") await terraform.init("domain");
  const certificate = parseDomainOutputs(await terraform.outputs("domain"));
  if (!certificate) return kind === "app" ? NO_CERTIFICATE : undefined;
  const status = await certificateStatus(api, certificate.certificate_id);
  if (status === undefined)
    return "Not planned: the certificate is gone; a deploy creates another.";
  if (kind === "domain" && isRefused(status)) return `Not planned: the certificate is ${status}.`;
  if (status === "RENEWING" && kind === "domain") return RENEWING;
  return undefined;
}

/** What the app looks up and no stack has created yet. */
async function findMissing({ settings, terraform }: Session): Promise<string | undefined> {
  if (Object.keys(await terraform.outputs("registry")).length === 0) return NO_REGISTRY;
  if (!settings.postgres) return undefined;
  const { postgres } = await terraform.outputs("data");
  return postgres === undefined ? NO_DATABASE : undefined;
}

const NO_REGISTRY =
  "Not planned: the app looks the registry up, which the stack above has not created yet.";
const NO_DATABASE =
  "Not planned: the app looks the database up, which the stack above has not created yet.";
const NO_CERTIFICATE =
  "Not planned: the app looks the certificate up, which the domain's stack has not created yet.";
const RENEWING = "Not planned: the certificate is being renewed.";

const deployedSchema = v.object({
  containers: v.object({ web: v.object({ image: v.string() }) }),
  manage: v.optional(v.object({ caller: v.string() })),
});

function parseDeployed(outputs: Outputs): v.InferOutput<typeof deployedSchema> | undefined {
  const parsed = v.safeParse(deployedSchema, outputs);
  return parsed.success ? parsed.output : undefined;
}
