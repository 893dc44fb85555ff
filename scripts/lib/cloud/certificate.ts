import * as v from "valibot";
import { CERTIFICATE_VARIABLE } from "../../../stacks/app.ts";
import type { DnsRecord, DomainOutputs } from "../../../stacks/outputs.ts";
import type { OnLine } from "../shell/steps.ts";
import { UserError } from "../shell/user-error.ts";
import type { World } from "../shell/world.ts";
import { type DeployedApp, parseDomainOutputs } from "../terraform/outputs.ts";
import type { TerraformVariables } from "../terraform/terraform.ts";
import { type CloudApi, CloudApiError } from "./cloud-api.ts";
import type { Session } from "./session.ts";

const POLL_MS = 30_000;
/** The service looks at a challenge about every 30 minutes. */
const TIMEOUT_MS = 3 * 60 * 60_000;

const schema = v.object({ status: v.string() });

/** Whether a certificate in this state can be attached. */
export function isUsable(status: string): boolean {
  return ["ISSUED", "RENEWING", "RENEWAL_FAILED"].includes(status);
}

/** The status of a certificate; `undefined` when it is gone. */
export async function certificateStatus(api: CloudApi, id: string): Promise<string | undefined> {
  try {
    const path = `/certificate-manager/v1/certificates/${id}`;
    return v.parse(schema, await api.get("certificate-manager", path)).status;
  } catch (error) {
    if (error instanceof CloudApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Whether a certificate will never be issued: the provider fails on it, in every plan. */
export function isRefused(status: string | undefined): status is string {
  return status === "INVALID" || status === "REVOKED";
}

/** The variables that an app needs beside a certificate on which the provider fails; none else. */
export async function refusedCertificate({
  settings,
  terraform,
  api,
}: Session): Promise<TerraformVariables> {
  if (!settings.domain) return {};
  const { certificate_id: id } = parseDomainOutputs(await terraform.outputs("domain")) ?? {};
  const status = id && (await certificateStatus(api, id));
  if (!id || !isRefused(status)) return {};
  return knownCertificate(id, status, wasAttached(await terraform.outputs("app")));
}

/** Whether the last apply of the app had the domain attached. */
export function wasAttached({ domain }: Readonly<Record<string, unknown>>): boolean {
  return v.safeParse(v.object({ attached: v.literal(true) }), domain).success;
}

/** What stands for looking up a certificate on which the provider fails. */
export function knownCertificate(
  id: string,
  status: string,
  attached: boolean,
): TerraformVariables {
  const known = { id, status, attached: String(attached) };
  return { [CERTIFICATE_VARIABLE]: JSON.stringify(known) };
}

/** Waits until a certificate can be attached. */
export async function waitForCertificate(
  world: World,
  api: CloudApi,
  id: string,
  report: OnLine,
): Promise<void> {
  const start = world.now();
  for (;;) {
    const status = await certificateStatus(api, id);
    if (status !== undefined && isUsable(status)) return;
    if (isRefused(status))
      throw new UserError(`The certificate is ${status}. Deploy without --wait for what to do.`);
    if (status === undefined) throw new UserError("The certificate is gone. Deploy again.");
    const minutes = Math.round((world.now() - start) / 60_000);
    if (world.now() - start > TIMEOUT_MS) {
      throw new UserError(
        `The certificate is still ${status} after ${minutes} minutes. Check the domain's challenge record, then deploy again.`,
      );
    }
    report(`${status}, waited ${minutes} minutes; the service looks about every 30`);
    await world.sleep(POLL_MS);
  }
}

/** What the user has left to do for the domain. */
export function domainAdvice(
  domain: DeployedApp["domain"],
  certificate: DomainOutputs | undefined,
): string[] {
  if (!domain) return [];
  const refused = isRefused(domain.status);
  // The record of a certificate that is refused proves nothing any more: the next one has another.
  const records = [...(refused ? [] : (certificate?.records ?? [])), ...domain.records];
  const byHand =
    records.length > 0
      ? [
          `DNS records of ${domain.fqdn}, to be made where the domain is kept:`,
          ...records.map(formatRecord),
        ]
      : [];
  if (refused) return [...byHand, adviseNewCertificate(domain, certificate)];
  if (domain.attached) return byHand;
  return [
    ...byHand,
    `${domain.fqdn} is not attached yet: its certificate is ${domain.status}. Let's Encrypt's answer takes about half an hour${byHand.length > 0 ? " from when the records are there" : ""}. Run \`npm run deploy\` again after that, or with --wait now.`,
  ];
}

// The cloud deletes no certificate that a gateway uses.
function adviseNewCertificate(
  { fqdn, status, attached }: NonNullable<DeployedApp["domain"]>,
  certificate: DomainOutputs | undefined,
): string {
  const remove = `\`yc certificate-manager certificate delete ${certificate?.certificate_id ?? "<id>"}\``;
  const steps = attached
    ? `Set 'domain' to false in config.ts and deploy, delete the certificate (${remove}), write 'domain' again and deploy`
    : `Delete it (${remove}) and deploy again`;
  return `${fqdn} needs another certificate, since its own is ${status}: the challenge record was missing or wrong for too long. ${steps}: that asks for a new one and says which record it wants. All else is deployed.`;
}

function formatRecord({ name, type, value }: DnsRecord): string {
  return `  ${name}  ${type}  ${value}`;
}
