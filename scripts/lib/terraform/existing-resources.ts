import * as v from "valibot";
import { type CloudApi, CloudApiError } from "../cloud/cloud-api.ts";
import { fieldsOf } from "../shell/json.ts";
import type { ConfiguredResource } from "./state.ts";

/** Something in the cloud that has the name of a resource which the state lacks. */
export interface ExistingResource {
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
  /** Whether another one of this name can be created beside it. */
  readonly duplicable?: boolean;
  readonly status: string;
}

/** Attributes of what is known already, by address; those of `var` are variables. */
export type KnownAttributes = Map<string, Readonly<Record<string, unknown>>>;

/** How the things of one kind are listed, and deleted. */
interface Collection {
  /** What a person calls one of them. */
  readonly noun: string;
  readonly service: string;
  readonly path: string;
  /** Of the answer. */
  readonly field: string;
}

function listed(noun: string, service: string, path: string, field?: string): Collection {
  return { noun, service, path, field: field ?? path.slice(path.lastIndexOf("/") + 1) };
}

/** Where the things that a name tells apart are listed, by the type of their resource. */
const COLLECTIONS = new Map([
  [
    "yandex_api_gateway",
    listed("gateway", "serverless-apigateway", "/apigateways/v1/apigateways", "apiGateways"),
  ],
  [
    "yandex_cm_certificate",
    listed("certificate", "certificate-manager", "/certificate-manager/v1/certificates"),
  ],
  [
    "yandex_container_registry",
    listed("registry", "container-registry", "/container-registry/v1/registries"),
  ],
  ["yandex_function_trigger", listed("trigger", "serverless-triggers", "/triggers/v1/triggers")],
  ["yandex_iam_service_account", listed("service account", "iam", "/iam/v1/serviceAccounts")],
  ["yandex_lockbox_secret", listed("secret", "lockbox", "/lockbox/v1/secrets")],
  ["yandex_logging_group", listed("log group", "logging", "/logging/v1/logGroups", "groups")],
  [
    "yandex_mdb_postgresql_cluster",
    listed("PostgreSQL cluster", "mdb", "/managed-postgresql/v1/clusters"),
  ],
  [
    "yandex_serverless_container",
    listed("container", "serverless-containers", "/containers/v1/containers"),
  ],
  ["yandex_vpc_network", listed("network", "vpc", "/vpc/v1/networks")],
  ["yandex_vpc_security_group", listed("security group", "vpc", "/vpc/v1/securityGroups")],
  ["yandex_vpc_subnet", listed("subnet", "vpc", "/vpc/v1/subnets")],
  ["yandex_ydb_database_serverless", listed("database", "ydb", "/ydb/v1/databases")],
]);

/** The cloud takes several secrets of one name. */
const DUPLICABLE = "yandex_lockbox_secret";

const REPOSITORY = "yandex_container_repository";
const POLICY = "yandex_container_repository_lifecycle_policy";
const RECORD = "yandex_dns_recordset";
const BUCKET = "yandex_storage_bucket";

/** What a cluster holds, and where it is listed. */
const IN_CLUSTER = [
  { type: "yandex_mdb_postgresql_user", noun: "user of PostgreSQL", field: "users" },
  { type: "yandex_mdb_postgresql_database", noun: "PostgreSQL database", field: "databases" },
] as const;

/** Looks for whatever has the names of resources that the state lacks. */
export async function findExisting(
  api: CloudApi,
  folderId: string,
  missing: readonly ConfiguredResource[],
  known: KnownAttributes,
): Promise<ExistingResource[]> {
  const lists = await Promise.all(
    [...COLLECTIONS].map(([type, collection]) =>
      findNamed(api, folderId, collection, ofType(missing, type)),
    ),
  );
  const named = lists.flat();
  const all: KnownAttributes = new Map([
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
  const inClusters = await Promise.all(
    IN_CLUSTER.flatMap(({ type, ...kind }) =>
      ofType(missing, type).map((one) => findInCluster(api, kind, one, all)),
    ),
  );
  const buckets = await findBuckets(api, folderId, ofType(missing, BUCKET), all);
  return [...named, ...policies.flat(), ...records.flat(), ...inClusters.flat(), ...buckets];
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
  { noun, service, path, field }: Collection,
  missing: readonly ConfiguredResource[],
): Promise<ExistingResource[]> {
  if (missing.length === 0) return [];
  const things = v.parse(v.array(thingSchema), await api.list(service, path, field, { folderId }));
  return missing.flatMap(({ address, type, attributes }) =>
    things
      .filter(({ name }) => name === attributes.name)
      .map((thing) => ({ address, type, noun, duplicable: type === DUPLICABLE, ...thing })),
  );
}

/** Deletes a resource of one of the types that a name tells apart. */
export async function deleteResource(api: CloudApi, type: string, id: string): Promise<void> {
  const { service, path } = COLLECTIONS.get(type) ?? {};
  if (service && path) await api.operate(service, `${path}/${id}`, "DELETE");
}

// A repository is never in the way: creating it again finds it. Its policy is.
async function findRepositories(
  api: CloudApi,
  missing: readonly ConfiguredResource[],
  known: KnownAttributes,
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
  { address, type, attributes }: ConfiguredResource,
  known: KnownAttributes,
): Promise<ExistingResource[]> {
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

// They have no labels: a cluster of this state's own has no others.
async function findInCluster(
  api: CloudApi,
  { noun, field }: { readonly noun: string; readonly field: string },
  { address, type, attributes }: ConfiguredResource,
  known: KnownAttributes,
): Promise<ExistingResource[]> {
  const clusterId = resolve(attributes.cluster_id, known);
  if (clusterId === undefined) return [];
  const path = `/managed-postgresql/v1/clusters/${clusterId}/${field}`;
  const things = v.parse(v.array(namedSchema), await api.list("mdb", path, field, {}));
  return things
    .filter(({ name }) => name === attributes.name)
    .map(({ name }) => ({
      ...{ address, type, noun, name, id: `${clusterId}:${name}` },
      ...{ labels: {}, inherits: true, status: "" },
    }));
}

const namedSchema = v.object({ name: v.string() });

// A bucket has no labels, but the id of its state is in its name, unless that is the user's.
async function findBuckets(
  api: CloudApi,
  folderId: string,
  missing: readonly ConfiguredResource[],
  known: KnownAttributes,
): Promise<ExistingResource[]> {
  if (missing.length === 0) return [];
  const list = await api.list("storage", "/storage/v1/buckets", "buckets", { folderId });
  const names = v.parse(v.array(namedSchema), list).map(({ name }) => name);
  return missing.flatMap(({ address, type, attributes }) =>
    names
      .filter((name) => name === resolve(attributes.bucket, known))
      .map((name) => ({
        ...{ address, type, noun: "bucket", name, id: name, labels: {}, status: "" },
        inherits: name !== attributes.bucket,
      })),
  );
}

const recordSchema = v.object({ data: v.optional(v.array(v.string()), []) });

// A record has no labels, but says what it leads to.
async function findRecord(
  api: CloudApi,
  { address, type, attributes }: ConfiguredResource,
  known: KnownAttributes,
): Promise<ExistingResource[]> {
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
    if (error instanceof CloudApiError && error.status === 404) return [];
    throw error;
  }
}

function leadsTo(value: string, known: KnownAttributes): boolean {
  const host = value.replace(/\.$/, "");
  return [...known.values()].some((attributes) => {
    const { id, domain } = attributes;
    return domain === host || (typeof id === "string" && host.split(".").includes(id));
  });
}

function ofType(resources: readonly ConfiguredResource[], wanted: string): ConfiguredResource[] {
  return resources.filter(({ type }) => type === wanted);
}

/** A text with its references filled in; `undefined` while one of them is not known. */
export function resolve(text: unknown, known: KnownAttributes): string | undefined {
  if (typeof text !== "string") return undefined;
  const filled = text.replace(
    /\$\{(var|\w+\.\w+)\.([\w.[\]]+)\}/g,
    (whole, address: string, path: string) => attributeAt(known.get(address), path) ?? whole,
  );
  return filled.includes("${") ? undefined : filled;
}

function attributeAt(attributes: unknown, path: string): string | undefined {
  const value = path
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<unknown>((at, key) => fieldsOf(at)[key], attributes);
  return typeof value === "string" && value !== "" ? value : undefined;
}
