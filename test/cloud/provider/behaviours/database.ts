import {
  type Behaviour,
  type Call,
  CREATED_AT,
  type DataSource,
  described,
  description,
  fail,
  folderOf,
  found,
  newId,
  refuseTakenName,
  serviceUrl,
} from "../behaviour.ts";
import { type Attributes, elements, text, withoutUnknown } from "../values.ts";
import { findByIdOrName } from "./lookup.ts";

const REGION = "ru-central1";

export const database: Behaviour = {
  half: "sdk",
  defaults: { deletion_protection: false },
  replaceOn: ["folder_id", "location_id"],
  keptBlocks: ["serverless_database"],
  create(call, planned) {
    const folderId = folderOf(call, planned);
    const name = text(planned.name);
    const named = call.cloud.databases as Record<string, { name: string; folderId: string }>;
    refuseTakenName(named, name, folderId, "Database");
    const id = newId(call, "etn", name);
    const endpoint = documentApi(call, id);
    const deletionProtection = planned.deletion_protection === true;
    call.cloud.databases[id] = {
      ...{ name, folderId, endpoint, deletionProtection, limits: limits(planned) },
      ...described(planned),
    };
    const own = { id, folder_id: folderId, location_id: REGION, created_at: CREATED_AT };
    const state = { ...planned, ...own, ...endpoints(call, id, endpoint) };
    return { state: { ...state, serverless_database: limits(planned) } };
  },
  read(call, state) {
    const id = text(state.id);
    const kept = call.cloud.databases[id];
    if (!kept) return null;
    const { name, folderId, deletionProtection, endpoint, limits: kept_ } = kept;
    return {
      ...{ name, folder_id: folderId, deletion_protection: deletionProtection },
      ...endpoints(call, id, endpoint),
      ...(kept_ ? { serverless_database: kept_ } : {}),
      ...description(kept, "sdk"),
    };
  },
  import: (_call, id) => ({ id, location_id: REGION, created_at: CREATED_AT }),
  update({ cloud }, _prior, planned) {
    const { folderId, endpoint } = found(cloud.databases[text(planned.id)], "Database");
    cloud.databases[text(planned.id)] = {
      ...{ name: text(planned.name), folderId, endpoint, limits: limits(planned) },
      deletionProtection: planned.deletion_protection === true,
      ...described(planned),
    };
    return { state: { ...planned, serverless_database: limits(planned) } };
  },
  remove({ cloud }, state) {
    const id = text(state.id);
    if (cloud.databases[id]?.deletionProtection) {
      fail("FailedPrecondition", `Database ${id} is protected from deletion`);
    }
    for (const key of Object.keys(cloud.tables)) {
      if (key.startsWith(`${id}/`)) delete cloud.tables[key];
    }
    delete cloud.databases[id];
  },
};

export const databaseData: DataSource = (call, config) => {
  const wanted = { id: config.database_id, name: config.name, folder: config.folder_id };
  const [id, kept] = findByIdOrName(call.cloud.databases, wanted, "Database");
  const own = { id, database_id: id, name: kept.name, folder_id: kept.folderId ?? null };
  const rest = { location_id: REGION, deletion_protection: kept.deletionProtection };
  return { ...own, ...rest, created_at: CREATED_AT, ...endpoints(call, id, kept.endpoint) };
};

function documentApi(call: Call, id: string): string {
  const base = serviceUrl(call.settings, "docapi", "docapi.serverless.yandexcloud.net");
  return `${base}/${REGION}/${cloudId(call)}/${id}`;
}

function endpoints(call: Call, id: string, documentApiEndpoint: string): Attributes {
  const host = "ydb.serverless.yandexcloud.net:2135";
  const path = `/${REGION}/${cloudId(call)}/${id}`;
  return {
    document_api_endpoint: documentApiEndpoint,
    ydb_api_endpoint: host,
    ydb_full_endpoint: `grpcs://${host}/?database=${path}`,
    database_path: path,
    tls_enabled: true,
    status: "RUNNING",
  };
}

// What a block leaves out is sent as nothing and comes back so.
function limits(planned: Attributes): Attributes[] {
  const given = elements(withoutUnknown(planned.serverless_database)).at(-1);
  return [
    {
      enable_throttling_rcu_limit: given?.enable_throttling_rcu_limit ?? false,
      provisioned_rcu_limit: given?.provisioned_rcu_limit ?? 0,
      storage_size_limit: given ? (given.storage_size_limit ?? 0) : 50,
      throttling_rcu_limit: given?.throttling_rcu_limit ?? 0,
    },
  ];
}

function cloudId({ settings }: Call): string {
  return settings.cloudId || "b1gcloud";
}
