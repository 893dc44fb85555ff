import * as v from "valibot";
import type { AppOutputs, DnsRecord, DomainOutputs } from "./app-outputs.ts";
import { ApiError, type CloudApi } from "./cloud-api.ts";
import type { Report } from "./steps.ts";
import { UserError } from "./user-error.ts";
import type { World } from "./world.ts";

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
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Throws for a certificate that will never be issued: no plan works beside one. */
export function refuseInvalid(status: string | undefined): void {
  if (status !== "INVALID" && status !== "REVOKED") return;
  throw new UserError(
    `The certificate is ${status}. Check the domain's challenge record, delete the certificate in Certificate Manager, and deploy again.`,
  );
}

/** Waits until a certificate can be attached. */
export async function waitForCertificate(
  world: World,
  api: CloudApi,
  id: string,
  report: Report,
): Promise<void> {
  const start = world.now();
  for (;;) {
    const status = await certificateStatus(api, id);
    if (status !== undefined && isUsable(status)) return;
    refuseInvalid(status);
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
  domain: AppOutputs["domain"],
  certificate: DomainOutputs | undefined,
): string[] {
  if (!domain) return [];
  const records = [...(certificate?.records ?? []), ...domain.records];
  const byHand =
    records.length > 0
      ? [
          `DNS records of ${domain.fqdn}, to be made where the domain is kept:`,
          ...records.map(formatRecord),
        ]
      : [];
  if (domain.attached) return byHand;
  return [
    ...byHand,
    `${domain.fqdn} is not attached yet: its certificate is ${domain.status}. Let's Encrypt's answer takes about half an hour${byHand.length > 0 ? " from when the records are there" : ""}. Run \`npm run deploy\` again after that, or with --wait now.`,
  ];
}

function formatRecord({ name, type, value }: DnsRecord): string {
  return `  ${name}  ${type}  ${value}`;
}
