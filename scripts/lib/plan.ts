import * as v from "valibot";
import { rememberedImage } from "../../stacks/remembered-image.ts";
import { type StackKind, stackId } from "../../stacks/settings.ts";
import { certificateStatus, isRefused, refusedCertificate } from "./cloud/certificate.ts";
import type { Session } from "./cloud/session.ts";
import { parseDomainOutputs } from "./terraform/outputs.ts";
import { synthesize } from "./terraform/synthesize.ts";
import type { TerraformVariables } from "./terraform/terraform.ts";

/** Stands for an image that is not built yet. Plans with it are good for reading only. */
export const PLACEHOLDER_IMAGE = `cr.yandex/placeholder/app@sha256:${"0".repeat(64)}`;

/** Prints the plan of every stack, in the order in which a deploy applies them. */
export async function planStacks(session: Session, given: string | undefined): Promise<void> {
  const { system, settings, terraform } = session;
  await synthesize(system, settings.stage);
  const kinds: StackKind[] = settings.domain ? ["registry", "domain", "app"] : ["registry", "app"];
  for (const kind of kinds) {
    system.say(`\n── ${stackId(kind, settings.stage)} ──`);
    await terraform.init(kind);
    const obstacle = await findObstacle(session, kind);
    if (obstacle) system.say(obstacle);
    else if (kind === "app") await planApp(session, given, await refusedCertificate(session));
    else system.say(await terraform.plan(kind));
  }
}

async function planApp(
  { system, settings, terraform }: Session,
  given: string | undefined,
  certificate: TerraformVariables,
) {
  const deployed = deployedImage(await terraform.outputs("app"));
  const image = given ?? rememberedImage(settings.stage, system.root)?.image ?? deployed;
  if (image === undefined) {
    system.say(`No image is built yet. Planned with a placeholder: ${PLACEHOLDER_IMAGE}`);
  }
  system.say(await terraform.plan("app", { image: image ?? PLACEHOLDER_IMAGE, ...certificate }));
}

// Each of these would make the plan fail although nothing is wrong.
async function findObstacle({ settings, terraform, api }: Session, kind: StackKind) {
  if (kind === "registry") return undefined;
  if (kind === "app" && Object.keys(await terraform.outputs("registry")).length === 0) {
    return NO_REGISTRY;
  }
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

const NO_REGISTRY =
  "Not planned: the app looks the registry up, which the stack above has not created yet.";
const NO_CERTIFICATE =
  "Not planned: the app looks the certificate up, which the domain's stack has not created yet.";
const RENEWING = "Not planned: the certificate is being renewed.";

const containersSchema = v.object({ web: v.object({ image: v.string() }) });

function deployedImage({ containers }: Readonly<Record<string, unknown>>): string | undefined {
  const parsed = v.safeParse(containersSchema, containers);
  return parsed.success ? parsed.output.web.image : undefined;
}
