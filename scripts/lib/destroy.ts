import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../packages/local-cloud/support/write-whole.ts";
import { stageDirectory } from "../../stacks/directories.ts";
import {
  hasData,
  namePrefix,
  type Settings,
  type StackKind,
  stackId,
  stackKinds,
} from "../../stacks/settings.ts";
import { CALLER_VARIABLE } from "../../stacks/variables.ts";
import { refusedCertificate } from "./cloud/certificate.ts";
import type { Session } from "./cloud/session.ts";
import { forgetRegistry } from "./deploy/speculation.ts";
import { forgetImage } from "./image/image.ts";
import { PLACEHOLDER_CALLER, PLACEHOLDER_IMAGE } from "./plan.ts";
import type { OnLine, Step } from "./shell/steps.ts";
import type { System } from "./shell/system.ts";
import { UserError } from "./shell/user-error.ts";
import { synthesize } from "./terraform/synthesize.ts";
import {
  type Terraform,
  TerraformFailure,
  type TerraformVariables,
  terraformDirectory,
} from "./terraform/terraform.ts";
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
    // Last, since its network can often be deleted only on the next day.
    destroy("Data", "data"),
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
export async function refuseProtected(session: Session): Promise<void> {
  const { system, settings } = session;
  await synthesize(system, settings.stage);
  const { database, postgres } = settings;
  const problems = [
    ...(await protectedIn(session, "app", "database", database.deletionProtection)),
    ...(mayHaveData(session)
      ? await protectedIn(session, "data", "postgres", postgres?.deletionProtection ?? true)
      : []),
  ];
  if (problems.length === 0) return;
  throw new UserError([...problems, "Nothing was deleted."].join(" "));
}

async function protectedIn(
  session: Session,
  kind: StackKind,
  field: string,
  isConfigured: boolean,
): Promise<string[]> {
  layOutRemoved(session, kind);
  const { terraform } = session;
  await terraform.init(kind);
  const state = await terraform.state(kind);
  const first = isConfigured
    ? `Set '${field}.deletionProtection' to false for this stage in config.ts, deploy`
    : "Deploy once more (config.ts does not protect it any longer)";
  return state
    .filter(({ attributes }) => attributes.deletion_protection === true)
    .map(
      ({ attributes: { name } }) =>
        `The database ${name} is protected from deletion. ${first}, then destroy again.`,
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
  if (kind === "data" && !mayHaveData(session)) return "nothing there";
  layOutRemoved(session, kind);
  const terraform = session.terraform.with(report);
  await terraform.init(kind);
  if ((await terraform.state(kind)).length === 0) return "nothing there";
  if (session.settings.domain) await terraform.init("domain");
  const refused = kind === "app" || kind === "domain" ? await refusedCertificate(session) : {};
  // The provider cannot read a certificate that was rejected, but can delete it.
  if (kind === "domain") await terraform.destroy(kind, {}, Object.keys(refused).length === 0);
  else if (kind === "data") await destroyData(session, terraform);
  else await terraform.destroy(kind, kind === "app" ? appVariables(session, refused) : {});
  return "destroyed";
}

// Terraform requires values for what nothing uses any more.
function appVariables({ settings }: Session, certificate: TerraformVariables): TerraformVariables {
  const caller = settings.manage && { [CALLER_VARIABLE]: PLACEHOLDER_CALLER };
  return { image: PLACEHOLDER_IMAGE, ...caller, ...certificate };
}

async function destroyData({ settings }: Session, terraform: Terraform): Promise<void> {
  try {
    await terraform.destroy("data");
  } catch (error) {
    if (!(error instanceof TerraformFailure)) throw error;
    const hasFiles = error.message.includes("BucketNotEmpty");
    if (settings.network && !hasFiles) throw error;
    const hint = hasFiles ? BUCKET_HINT : NETWORK_HINT;
    throw new UserError(`${error.message}\n${hint}`, { cause: error });
  }
}

const BUCKET_HINT =
  "A bucket with files in it is not deleted. Delete them (https://yandex.cloud/en/docs/storage/operations/objects/delete-all), then run `npm run destroy` again.";

const NETWORK_HINT =
  "All else is deleted. Yandex Cloud deletes a network 15 minutes to 24 hours after the last container has left it: run `npm run destroy` again later. A network costs nothing.";

// Most stages never had any, and need not wait for Terraform to say so.
function mayHaveData({ system: { root }, settings }: Session): boolean {
  const state = join(root, stageDirectory(settings.stage), "data.tfstate");
  return hasData(settings) || settings.backend.type === "s3" || existsSync(state);
}

// What was removed from config.ts is no longer synthesized, but may still be there. Given a provider and
// a backend, Terraform deletes what the state holds.
function layOutRemoved({ system, settings }: Session, kind: StackKind): void {
  if (stackKinds(settings).includes(kind)) return;
  const directory = (of: StackKind) =>
    join(system.root, terraformDirectory(system.env, of, settings.stage));
  const registry = readFileSync(join(directory("registry"), "cdk.tf.json"), "utf8");
  const { terraform, provider } = JSON.parse(registry);
  const stack = JSON.stringify({ terraform, provider }, null, 2);
  mkdirSync(directory(kind), { recursive: true });
  writeWhole(
    join(directory(kind), "cdk.tf.json"),
    stack.replace("/registry.tfstate", `/${kind}.tfstate`),
  );
}

async function forget({ system, settings }: Session): Promise<string> {
  forgetImage(system, settings.stage);
  forgetRegistry(system, settings.stage);
  return "done";
}
