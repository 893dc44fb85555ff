import type { Certificate, Cloud } from "../../state.ts";
import {
  type Behaviour,
  CREATED_AT,
  type DataSource,
  described,
  description,
  fail,
  folderOf,
  found,
  newId,
  refuseTakenName,
} from "../behaviour.ts";
import { type Attributes, only, text } from "../values.ts";
import { findByIdOrName } from "./lookup.ts";

export const certificate: Behaviour = {
  half: "sdk",
  replaceOn: ["folder_id", "domains"],
  check: (config) =>
    only(config.managed) && only(config.self_managed)
      ? ['"managed": conflicts with self_managed']
      : [],
  create(call, planned) {
    const folderId = folderOf(call, planned);
    const name = text(planned.name);
    refuseTakenName(call.cloud.certificates, name, folderId, "Certificate");
    const id = newId(call, "fpq", name);
    const domains = Array.isArray(planned.domains) ? planned.domains.map(text) : [];
    const made: Certificate = {
      ...{ name, folderId, domains, status: "VALIDATING" },
      ...described(planned),
    };
    call.cloud.certificates[id] = made;
    const challenge = text(only(planned.managed)?.challenge_type);
    const state = { ...planned, ...readBack(made), id };
    return { state: { ...state, challenges: challenges(id, made, challenge) } };
  },
  // A certificate that is gone or refused stops every plan, and so does a renewal without challenges.
  read({ cloud }, state) {
    const kept = existing(cloud, state.id);
    if (kept.status === "RENEWING") throw new Error("certificate challenges still being created");
    const listed = challenges(text(state.id), kept, text(only(state.managed)?.challenge_type));
    return { ...readBack(kept), challenges: listed.length > 0 ? listed : state.challenges };
  },
  import({ cloud }, id) {
    const managed = [{ challenge_type: "DNS_CNAME", challenge_count: 1 }];
    return { id, managed, domains: existing(cloud, id).domains, deletion_protection: false };
  },
  update({ cloud }, _prior, planned) {
    const kept = existing(cloud, planned.id);
    kept.name = text(planned.name);
    Object.assign(kept, { description: undefined, labels: undefined }, described(planned));
    return { state: planned };
  },
  remove({ cloud }, state) {
    if (state.deletion_protection) {
      fail("FailedPrecondition", `Certificate ${text(state.id)} is protected from deletion`);
    }
    delete cloud.certificates[text(state.id)];
  },
};

export const certificateData: DataSource = ({ cloud }, config) => {
  const wanted = { id: config.certificate_id, name: config.name, folder: config.folder_id };
  const [id] = findByIdOrName(cloud.certificates, wanted, "Certificate");
  const kept = existing(cloud, id);
  if (config.wait_validation && ["VALIDATING", "RENEWING"].includes(kept.status)) {
    throw new Error(
      `timeout while waiting for state to become 'ISSUED' (last state: '${kept.status}', timeout: 20m0s)`,
    );
  }
  const lists = { challenges: challenges(id, kept, "DNS_CNAME"), domains: kept.domains };
  return { ...readBack(kept), ...lists, id, certificate_id: id };
};

function existing(cloud: Cloud, id: unknown): Certificate {
  const kept = found(cloud.certificates[text(id)], `Certificate ${text(id)}`);
  if (kept.status === "INVALID") throw new Error(`certificate ${text(id)} has status INVALID`);
  return kept;
}

function readBack(kept: Certificate): Attributes {
  const { name, folderId, status } = kept;
  const times = { created_at: CREATED_AT, updated_at: CREATED_AT };
  const issued = status === "VALIDATING" ? {} : { issued_at: CREATED_AT, issuer: "Let's Encrypt" };
  return {
    name,
    folder_id: folderId,
    status,
    type: "MANAGED",
    ...times,
    ...issued,
    ...description(kept, "sdk"),
  };
}

// An apex and its wildcard share one challenge.
function challenges(id: string, { status, domains }: Certificate, type: string): Attributes[] {
  if (status !== "VALIDATING") return [];
  const [service, record] = type.split("_");
  return [...new Set(domains.map((it) => it.replace(/^\*\./, "")))].map((domain) => ({
    domain,
    type: service || "DNS",
    ...{
      created_at: CREATED_AT,
      updated_at: CREATED_AT,
      message: "",
      http_url: "",
      http_content: "",
    },
    dns_name: `_acme-challenge.${domain}.`,
    dns_type: record ?? "",
    dns_value: record === "TXT" ? `challenge-${id}` : `${id}.cm.yandexcloud.net.`,
  }));
}
