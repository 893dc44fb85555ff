import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../packages/local-cloud/support/write-whole.ts";
import { namePrefix, type Settings, type StackKind, stackId } from "../../stacks/settings.ts";
import { refusedCertificate } from "./cloud/certificate.ts";
import type { Session } from "./cloud/session.ts";
import { forgetRegistry } from "./deploy/speculation.ts";
import { forgetImage } from "./image/image.ts";
import { PLACEHOLDER_IMAGE } from "./plan.ts";
import type { OnLine, Step } from "./shell/steps.ts";
import type { System } from "./shell/system.ts";
import { UserError } from "./shell/user-error.ts";
import { synthesize } from "./terraform/synthesize.ts";
import { terraformDirectory } from "./terraform/terraform.ts";
import { deleteTriggers } from "./triggers/triggers.ts";

/** The steps of a destroy: triggers first, so that nothing is invoked on the way. */
export function destroySteps(settings: Settings): Step<Session>[] {
  const destroy = (title: string, kind: StackKind): Step<Session> => ({
    title,
    does: `destroy stack ${stackId(kind, settings.stage)}`,
    run: (session, report) => destroyStack(session, kind, report),
  });
  return [
    {
      title: "Triggers",
      does: "delete the triggers that `npm run trigger` created",
      run: removeTriggers,
    },
    destroy("App", "app"),
    destroy("Domain", "domain"),
    destroy("Images and registry", "registry"),
    { title: "Memory", does: "forget the stage's image", run: forget },
  ];
}

/** Asks the user to type the name of what is to be deleted. */
export async function confirmDestroy(system: System, settings: Settings): Promise<void> {
  if (!system.interactive) {
    throw new UserError(
      "No terminal to ask for confirmation. Add --yes to destroy without asking.",
    );
  }
  const name = namePrefix(settings);
  const answer = await system.ask(`This deletes ${name} with its data. Type ${name} to go on: `);
  if (answer.trim() !== name) throw new UserError("Nothing was deleted.");
}

/** @throws UserError while the database is protected, before anything is touched */
export async function refuseProtected({ system, terraform, settings }: Session): Promise<void> {
  await synthesize(system, settings.stage);
  await terraform.init("app");
  const state = await terraform.state("app");
  const isProtected = state.some(({ attributes }) => attributes.deletion_protection === true);
  if (!isProtected) return;
  const first = settings.database.deletionProtection
    ? "Set 'database.deletionProtection' to false for this stage in config.ts, deploy"
    : "Deploy once more (config.ts does not protect it any longer)";
  throw new UserError(
    `The database ${namePrefix(settings)}-results is protected from deletion. ${first}, then destroy again. Nothing was deleted.`,
  );
}

/** What a destroy does not delete. */
export function leftovers({ backend, domain, secrets, staticBucket }: Settings): string[] {
  const left = [
    ...(backend.type === "s3" ? [`the state's bucket ${backend.bucket}`] : []),
    ...(domain && domain.dns !== "external" ? [`the DNS zone ${domain.dns.zone}`] : []),
    ...(domain?.dns === "external" ? [`the DNS records that you created for ${domain.fqdn}`] : []),
    ...(staticBucket ? [`the bucket ${staticBucket}`] : []),
    ...(Object.keys(secrets ?? {}).length > 0 ? ["your own secrets in Lockbox"] : []),
  ];
  return left.length === 0
    ? ["Nothing is left."]
    : ["Left as they are:", ...left.map((one) => `  ${one}`)];
}

async function removeTriggers(session: Session): Promise<string> {
  const changes = await deleteTriggers(session);
  return changes.length === 0 ? "none" : changes.join("; ");
}

async function destroyStack(session: Session, kind: StackKind, report: OnLine): Promise<string> {
  if (kind === "domain" && !session.settings.domain) layOutDomain(session);
  const terraform = session.terraform.with(report);
  await terraform.init(kind);
  if ((await terraform.state(kind)).length === 0) return "nothing there";
  if (session.settings.domain) await terraform.init("domain");
  const refused = kind === "registry" ? {} : await refusedCertificate(session);
  // The provider cannot read a certificate that was rejected, but can delete it.
  if (kind === "domain") await terraform.destroy(kind, {}, Object.keys(refused).length === 0);
  // Terraform requires a value for the image even though nothing uses it any more.
  else
    await terraform.destroy(kind, kind === "app" ? { image: PLACEHOLDER_IMAGE, ...refused } : {});
  return "destroyed";
}

// A domain that was removed from config.ts is no longer synthesized, but its certificate may still be
// there. Given a provider and a backend, Terraform deletes what the state holds.
function layOutDomain({ system, settings }: Session): void {
  const directory = (kind: StackKind) =>
    join(system.root, terraformDirectory(system.env, kind, settings.stage));
  const registry = readFileSync(join(directory("registry"), "cdk.tf.json"), "utf8");
  const { terraform, provider } = JSON.parse(registry);
  const stack = JSON.stringify({ terraform, provider }, null, 2);
  mkdirSync(directory("domain"), { recursive: true });
  writeWhole(
    join(directory("domain"), "cdk.tf.json"),
    stack.replace("/registry.tfstate", "/domain.tfstate"),
  );
}

async function forget({ system, settings }: Session): Promise<string> {
  forgetImage(system, settings.stage);
  forgetRegistry(system, settings.stage);
  return "done";
}
