import type { Cloud, Gateway } from "../../state.ts";
import {
  type Behaviour,
  CREATED_AT,
  type DataSource,
  described,
  description,
  folderOf,
  found,
  newId,
  type Outcome,
  refuseTakenName,
  rpcError,
} from "../behaviour.ts";
import { type Attributes, elements, isUnknown, text } from "../values.ts";
import { findByIdOrName } from "./lookup.ts";

type Domain = Gateway["domains"][number];

export const gateway: Behaviour = {
  half: "sdk",
  replaceOn: ["folder_id"],
  check: ({ execution_timeout: timeout }) =>
    typeof timeout === "string" && !/^\d+$/.test(timeout)
      ? [`execution_timeout must be a number of seconds, got ${timeout}`]
      : [],
  // The gateway exists before its domains are attached: a failure there taints it.
  create(call, planned) {
    const folderId = folderOf(call, planned);
    const name = text(planned.name);
    refuseTakenName(call.cloud.gateways, name, folderId, "ApiGateway");
    const id = newId(call, "d5d", name);
    const domain = `${id}.${id.slice(3, 11)}.apigw.yandexcloud.net`;
    const made: Gateway = {
      ...{ name, folderId, domain, spec: text(planned.spec), domains: [] },
      ...described(planned),
    };
    call.cloud.gateways[id] = made;
    const errors = attach(call.cloud, made, wantedDomains(planned));
    const computed = { id, domain, folder_id: folderId, created_at: CREATED_AT, status: "ACTIVE" };
    const user = { log_group_id: "", user_domains: [] };
    return {
      state: { ...planned, ...computed, ...user, ...timeout(planned), ...domains(made) },
      errors,
    };
  },
  // The text of the specification is never read back.
  read({ cloud }, state) {
    const kept = cloud.gateways[text(state.id)];
    if (!kept) return null;
    const { name, domain, folderId } = kept;
    return { name, domain, folder_id: folderId, ...domains(kept), ...description(kept, "sdk") };
  },
  update({ cloud }, prior, planned): Outcome {
    const kept = found(cloud.gateways[text(planned.id)], "ApiGateway");
    kept.name = text(planned.name);
    kept.spec = text(planned.spec);
    Object.assign(kept, { description: undefined, labels: undefined }, described(planned));
    const wanted = wantedDomains(planned);
    kept.domains = kept.domains.filter((it) => wanted.some((other) => sameDomain(it, other)));
    const missing = wanted.filter((it) => !kept.domains.some((other) => sameDomain(it, other)));
    const errors = attach(cloud, kept, missing);
    return errors.length > 0
      ? { state: prior, errors }
      : { state: { ...planned, ...domains(kept) } };
  },
  remove({ cloud }, state) {
    delete cloud.gateways[text(state.id)];
  },
};

export const gatewayData: DataSource = ({ cloud }, config) => {
  const wanted = { id: config.api_gateway_id, name: config.name, folder: config.folder_id };
  const [id, kept] = findByIdOrName(cloud.gateways, wanted, "ApiGateway");
  const { name, domain, folderId } = kept;
  const computed = { status: "ACTIVE", created_at: CREATED_AT, user_domains: [], log_options: [] };
  return {
    id,
    api_gateway_id: id,
    name,
    domain,
    folder_id: folderId,
    ...computed,
    ...domains(kept),
  };
};

function attach(cloud: Cloud, kept: Gateway, wanted: Domain[]): string[] {
  for (const domain of wanted) {
    const reason = whyNotAttached(cloud, domain);
    if (reason)
      return [`Error attaching domain ${domain.fqdn} to API gateway ${kept.name}: ${reason}`];
    kept.domains.push(domain);
  }
  return [];
}

function whyNotAttached(cloud: Cloud, { fqdn, certificateId }: Domain): string | undefined {
  if (cloud.faults.attachDomain) return rpcError("Internal", "Domain was not attached");
  const certificate = cloud.certificates[certificateId];
  if (!certificate) return rpcError("NotFound", `Certificate ${certificateId} not found`);
  if (!["ISSUED", "RENEWING", "RENEWAL_FAILED"].includes(certificate.status)) {
    return rpcError("FailedPrecondition", `Certificate ${certificateId} is not issued`);
  }
  const taken = Object.values(cloud.gateways).some((it) => it.domains.some((d) => d.fqdn === fqdn));
  return taken ? rpcError("AlreadyExists", `Domain ${fqdn} is already attached`) : undefined;
}

function wantedDomains(planned: Attributes): Domain[] {
  return elements(planned.custom_domains).map((it) => ({
    fqdn: text(it.fqdn),
    certificateId: text(it.certificate_id),
  }));
}

function sameDomain(a: Domain, b: Domain): boolean {
  return a.fqdn === b.fqdn && a.certificateId === b.certificateId;
}

function domains(kept: Gateway): Attributes {
  const blocks = kept.domains.map(({ fqdn, certificateId }) => ({
    fqdn,
    certificate_id: certificateId,
    domain_id: `d4d-${fqdn}`,
  }));
  return { custom_domains: blocks };
}

function timeout({ execution_timeout: given }: Attributes): Attributes {
  return { execution_timeout: isUnknown(given) ? "300" : given };
}
