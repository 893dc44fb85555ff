import type { Cloud } from "../../state.ts";
import { type Behaviour, fail, found } from "../behaviour.ts";
import { type Attributes, same, text } from "../values.ts";

/** A zone is in `others.yandex_dns_zone` under its id. */
export const recordset: Behaviour = {
  half: "sdk",
  replaceOn: ["zone_id", "name", "type"],
  create({ cloud }, planned) {
    const zoneId = text(planned.zone_id);
    found(cloud.others.yandex_dns_zone?.[zoneId], `DnsZone ${zoneId}`);
    const id = recordId(planned);
    if (cloud.dnsRecords[id]) fail("AlreadyExists", `Record set ${id} already exists`);
    cloud.dnsRecords[id] = data(planned);
    return { state: { ...planned, id } };
  },
  read({ cloud }, state) {
    const kept = cloud.dnsRecords[text(state.id)];
    return kept ? { data: kept } : null;
  },
  import(_call, id) {
    const [zone_id, name, type] = id.split("/");
    return { id, zone_id, name, type, ttl: 600 };
  },
  // The old data goes along as what to delete, so a change by somebody else stops it.
  update({ cloud }, prior, planned) {
    expectData(cloud, prior);
    cloud.dnsRecords[text(planned.id)] = data(planned);
    return { state: planned };
  },
  remove({ cloud }, state) {
    expectData(cloud, state);
    delete cloud.dnsRecords[text(state.id)];
  },
};

function expectData(cloud: Cloud, state: Attributes): void {
  const id = text(state.id);
  if (!same(cloud.dnsRecords[id], data(state), true)) {
    fail("FailedPrecondition", `Record set ${id} does not hold the data to delete`);
  }
}

function recordId({ zone_id, name, type }: Attributes): string {
  return [zone_id, name, type].map(text).join("/");
}

function data(attributes: Attributes): string[] {
  return Array.isArray(attributes.data) ? attributes.data.map(text) : [];
}
