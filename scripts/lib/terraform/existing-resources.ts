import * as v from "valibot";
import { ApiError, type CloudApi } from "../cloud/cloud-api.ts";
import type { PlannedResource } from "./state.ts";

/** Something in the cloud that has the name of a resource which the state lacks. */
export interface Namesake {
  /** The resource's address in the stack. */
  readonly address: string;
  readonly type: string;
  /** What a person calls it. */
  readonly noun: string;
  readonly name: string;
  /** What Terraform imports it by. */
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Belongs to whom its parent belongs to: it has no labels of its own. */
  readonly inherits?: boolean;
  /** Whether another one of this name can be made beside it. */
  readonly harmless?: boolean;
  readonly status: string;
}

/** Attributes of what is known already, by address. */
export type Known = Map<string, Readonly<Record<string, unknown>>>;

interface Kind {
  readonly noun: string;
  readonly service: string;
  readonly path: string;
  readonly field: string;
  readonly harmless?: boolean;
}

/** Where the things that a name tells apart are listed, by the type of their resource. */
export const KINDS: Readonly<Record<string, Kind>> = {
  yandex_api_gateway: {
    noun: "gateway",
    service: "serverless-apigateway",
    path: "/apigateways/v1/apigateways",
    field: "apiGateways",
  },
  yandex_cm_certificate: {
    noun: "certificate",
    service: "certificate-manager",
    path: "/certificate-manager/v1/certificates",
    field: "certificates",
  },
  yandex_container_registry: {
    noun: "registry",
    service: "container-registry",
    path: "/container-registry/v1/registries",
    field: "registries",
  },
  yandex_function_trigger: {
    noun: "trigger",
    service: "serverless-triggers",
    path: "/triggers/v1/triggers",
    field: "triggers",
  },
  yandex_iam_service_account: {
    noun: "service account",
    service: "iam",
    path: "/iam/v1/serviceAccounts",
    field: "serviceAccounts",
  },
  yandex_lockbox_secret: {
    noun: "secret",
    service: "lockbox",
    path: "/lockbox/v1/secrets",
    field: "secrets",
    harmless: true,
  },
  yandex_logging_group: {
    noun: "log group",
    service: "logging",
    path: "/logging/v1/logGroups",
    field: "groups",
  },
  yandex_serverless_container: {
    noun: "container",
    service: "serverless-containers",
    path: "/containers/v1/containers",
    field: "containers",
  },
  yandex_ydb_database_serverless: {
    noun: "database",
    service: "ydb",
    path: "/ydb/v1/databases",
    field: "databases",
  },
};

const REPOSITORY = "yandex_container_repository";
const POLICY = "yandex_container_repository_lifecycle_policy";
const RECORD = "yandex_dns_recordset";

/** Looks for whatever has the names of resources that the state lacks. */
export async function findNamesakes(
  api: CloudApi,
  folderId: string,
  missing: readonly PlannedResource[],
  known: Known,
): Promise<Namesake[]> {
  const types = new Set(missing.map(({ type }) => type).filter((type) => type in KINDS));
  const lists = await Promise.all(
    [...types].map((type) => findNamed(api, folderId, type, ofType(missing, type))),
  );
  const named = lists.flat();
  const all: Known = new Map([
    ...known,
    ...named.map(({ address, id }) => [address, { id }] as const),
  ]);
  // In this order, since a policy hangs on its repository.
  await findRepositories(api, ofType(missing, REPOSITORY), all);
  const policies = await Promise.all(
    ofType(missing, POLICY).map((policy) => findPolicy(api, policy, all)),
  );
  const records = await Promise.all(
    ofType(missing, RECORD).map((record) => findRecord(api, record, all)),
  );
  return [...named, ...policies.flat(), ...records.flat()];
}

const thingSchema = v.object({
  id: v.string(),
  name: v.optional(v.string(), ""),
  labels: v.optional(v.record(v.string(), v.string()), {}),
  status: v.optional(v.string(), ""),
});

async function findNamed(
  api: CloudApi,
  folderId: string,
  type: string,
  missing: readonly PlannedResource[],
): Promise<Namesake[]> {
  const { noun, harmless, service, path, field } = KINDS[type] as Kind;
  const things = v.parse(v.array(thingSchema), await api.list(service, path, field, { folderId }));
  return missing.flatMap(({ address, attributes }) =>
    things
      .filter(({ name }) => name === attributes.name)
      .map((thing) => ({ address, type, noun, harmless, ...thing })),
  );
}

// A repository is never in the way: making it again finds it. Its policy is.
async function findRepositories(
  api: CloudApi,
  missing: readonly PlannedResource[],
  known: Known,
): Promise<void> {
  for (const { address, attributes } of missing) {
    const name = resolve(attributes.name, known);
    const [registryId] = name?.split("/") ?? [];
    if (name === undefined || registryId === undefined) continue;
    const path = "/container-registry/v1/repositories";
    const list = await api.list("container-registry", path, "repositories", { registryId });
    const found = v.parse(v.array(thingSchema), list).find((thing) => thing.name === name);
    if (found) known.set(address, { id: found.id });
  }
}

async function findPolicy(
  api: CloudApi,
  { address, type, attributes }: PlannedResource,
  known: Known,
): Promise<Namesake[]> {
  const repositoryId = resolve(attributes.repository_id, known);
  if (repositoryId === undefined) return [];
  const path = "/container-registry/v1/lifecyclePolicies";
  const list = await api.list("container-registry", path, "lifecyclePolicies", { repositoryId });
  return v
    .parse(v.array(thingSchema), list)
    .filter(({ status }) => /^active$/i.test(status))
    .map((thing) => ({
      ...{ address, type, noun: "lifecycle policy", ...thing },
      ...{ name: `of repository ${repositoryId}`, inherits: true },
    }));
}

const recordSchema = v.object({ data: v.optional(v.array(v.string()), []) });

// A record has no labels, but says what it leads to.
async function findRecord(
  api: CloudApi,
  { address, type, attributes }: PlannedResource,
  known: Known,
): Promise<Namesake[]> {
  const { zone_id: zone, ...rest } = attributes;
  const [name, kind] = [resolve(rest.name, known), resolve(rest.type, known)];
  if (name === undefined || kind === undefined) return [];
  const query = new URLSearchParams({ name, type: kind });
  try {
    const found = await api.get("dns", `/dns/v1/zones/${zone}:getRecordSet?${query}`);
    const { data } = v.parse(recordSchema, found);
    const inherits = data.length > 0 && data.every((value) => leadsTo(value, known));
    const noun = `DNS record (${kind})`;
    const id = `${zone}/${name}/${kind}`;
    return [{ address, type, noun, name, id, labels: {}, inherits, status: "" }];
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}

function leadsTo(value: string, known: Known): boolean {
  const host = value.replace(/\.$/, "");
  return [...known.values()].some((attributes) => {
    const { id, domain } = attributes;
    return domain === host || (typeof id === "string" && host.split(".").includes(id));
  });
}

function ofType(resources: readonly PlannedResource[], wanted: string): PlannedResource[] {
  return resources.filter(({ type }) => type === wanted);
}

/** A text with its references filled in; `undefined` while one of them is not known. */
export function resolve(text: unknown, known: Known): string | undefined {
  if (typeof text !== "string") return undefined;
  const filled = text.replace(
    /\$\{(\w+\.\w+)\.([\w.[\]]+)\}/g,
    (whole, address: string, path: string) => attributeAt(known.get(address), path) ?? whole,
  );
  return filled.includes("${") ? undefined : filled;
}

function attributeAt(attributes: unknown, path: string): string | undefined {
  const value = path
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], attributes);
  return typeof value === "string" && value !== "" ? value : undefined;
}
