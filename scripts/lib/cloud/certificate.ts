import * as v from "valibot";
import type { DnsRecord } from "../../../constructs/domain.ts";
import type { DomainOutputs } from "../../../stacks/outputs.ts";
import { CERTIFICATE_VARIABLE } from "../../../stacks/variables.ts";
import type { OnLine } from "../shell/steps.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import { type DeployedApp, parseDomainOutputs } from "../terraform/outputs.ts";
import type { TerraformVariables } from "../terraform/terraform.ts";
import { type CloudApi, CloudApiError } from "./cloud-api.ts";
import type { Session } from "./session.ts";

const POLL_MS = 30_000;
/** The service checks a challenge about every 30 minutes. */
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
  const { domain } = await terraform.outputs("app");
  const { success: attached } = v.safeParse(v.object({ attached: v.literal(true) }), domain);
  const known = { id, status, attached: String(attached) };
  return { [CERTIFICATE_VARIABLE]: JSON.stringify(known) };
}

/** Waits until a certificate can be attached. */
export async function waitForCertificate(
  system: System,
  api: CloudApi,
  id: string,
  report: OnLine,
): Promise<void> {
  const start = system.now();
  for (;;) {
    const status = await certificateStatus(api, id);
    if (status !== undefined && isUsable(status)) return;
    if (isRefused(status))
      throw new UserError(`The certificate is ${status}. Deploy without --wait to see what to do.`);
    if (status === undefined) throw new UserError("The certificate is gone. Deploy again.");
    const minutes = Math.round((system.now() - start) / 60_000);
    if (system.now() - start > TIMEOUT_MS) {
      throw new UserError(
        `The certificate is still ${status} after ${minutes} minutes. Check the domain's challenge record, then deploy again.`,
      );
    }
    report(`${status}, waited ${minutes} minutes; the service checks about every 30`);
    await system.sleep(POLL_MS);
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
          `DNS records to create for ${domain.fqdn} at its DNS provider:`,
          ...records.map(formatRecord),
        ]
      : [];
  if (refused) return [...byHand, adviseNewCertificate(domain, certificate)];
  if (domain.attached) return byHand;
  return [
    ...byHand,
    `${domain.fqdn} is not attached yet: its certificate is ${domain.status}. Let's Encrypt takes about half an hour${byHand.length > 0 ? " once the records exist" : ""}. Run \`npm run deploy\` again then, or with --wait now.`,
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
  return `${fqdn} needs another certificate, because this one is ${status}: the challenge record was missing or wrong for too long. ${steps}: that requests a new one and prints the record it needs. Everything else is deployed.`;
}

function formatRecord({ name, type, value }: DnsRecord): string {
  return `  ${name}  ${type}  ${value}`;
}
