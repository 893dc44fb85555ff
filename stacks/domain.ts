import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { configureStack } from "../constructs/configure-stack.ts";
import { DomainCertificate } from "../constructs/domain.ts";
import { defineOutputs } from "./define-outputs.ts";
import { stateLocation } from "./directories.ts";
import type { DomainOutputs } from "./outputs.ts";
import { type DomainSettings, namePrefix, type Settings, stackId } from "./settings.ts";

/** The name under which the certificate is found by the stack that attaches it. */
export function certificateName(settings: Settings): string {
  return `${namePrefix(settings)}-certificate`;
}

/**
 * The certificate and the proof that the domain is ours. A stack of its own, because a certificate
 * that is being renewed fails every plan of its stack, and the site must stay deployable.
 */
export class DomainStack extends TerraformStack {
  constructor(scope: Construct, settings: Settings, domain: DomainSettings) {
    super(scope, stackId("domain", settings.stage));
    configureStack(this, {
      folderId: settings.folderId,
      state: stateLocation(settings, "domain", App.of(this).outdir),
    });
    const certificate = new DomainCertificate(this, "Certificate", {
      ...domain,
      name: certificateName(settings),
    });
    defineOutputs<DomainOutputs>(this, {
      certificate_id: certificate.certificateId,
      certificate_status: certificate.status,
      records: domain.dns === "external" ? [certificate.challengeRecord] : [],
    });
  }
}
