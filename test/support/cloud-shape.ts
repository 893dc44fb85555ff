import type { Cloud } from "../cloud/state.ts";

/**
 * What stands in a cloud, with names in place of ids, so that the results of two deploys can be
 * compared. Left out is what only tells how it came about: clock, log, logins, old revisions.
 */
export function cloudShape(cloud: Cloud): unknown {
  const text = JSON.stringify({
    registries: Object.values(cloud.registries).map(({ name }) => name),
    images: cloud.images.map(({ repository, digest }) => `${repository}@${digest}`),
    containers: Object.values(cloud.containers).map(({ name, revisions }) => ({
      name,
      active: revisions.filter(({ status }) => status === "ACTIVE").map(activeRevision),
    })),
    queues: Object.values(cloud.queues).map(({ name, attributes }) => ({ name, attributes })),
    triggers: Object.values(cloud.triggers).map(({ name, rule, status }) => ({
      name,
      rule,
      status,
    })),
    gateways: Object.values(cloud.gateways).map(({ name, spec, domains }) => ({
      name,
      spec,
      domains,
    })),
    certificates: Object.values(cloud.certificates).map(({ labels: _, ...rest }) => rest),
    dnsRecords: cloud.dnsRecords,
    accounts: Object.values(cloud.accounts).map(({ name }) => name),
    grants: cloud.grants.map(({ target, role, member }) => `${target} ${role} ${member}`),
    keys: Object.values(cloud.keys).map(({ accountId }) => accountId),
    secrets: Object.values(cloud.secrets).map(({ name, versions }) => {
      const active = Object.values(versions).filter(({ status }) => status === "ACTIVE");
      return `${name}, ${active.length} active`;
    }),
    logGroups: Object.values(cloud.others.yandex_logging_group ?? {}).map(nameOf),
    data: DATA.flatMap((type) =>
      Object.values(cloud.others[type] ?? {}).map((thing) => [type, nameOf(thing)]),
    ),
    policies: Object.values(cloud.repositories).map(({ policy }) => Boolean(policy)),
    databases: Object.values(cloud.databases).map(({ name }) => name),
    tables: Object.entries(cloud.tables).map(([key, { ttlAttribute }]) => `${key} ${ttlAttribute}`),
  });
  return sorted(JSON.parse(withNames(text, cloud)));
}

/** What outlives an app. */
const DATA = [
  "yandex_mdb_postgresql_cluster",
  "yandex_mdb_postgresql_database",
  "yandex_mdb_postgresql_user",
  "yandex_storage_bucket",
  "yandex_vpc_network",
  "yandex_vpc_security_group",
  "yandex_vpc_subnet",
];

function activeRevision({ digest, environment }: Cloud["containers"][string]["revisions"][number]) {
  const { REVISION_FINGERPRINT: _, ...rest } = environment;
  return { digest, environment: rest };
}

function nameOf(thing: unknown): unknown {
  return (thing as { name: unknown }).name;
}

function withNames(text: string, cloud: Cloud): string {
  const named: Record<string, { name: string }>[] = [
    cloud.registries,
    cloud.containers,
    cloud.gateways,
    cloud.accounts,
    cloud.secrets,
    cloud.databases,
    cloud.certificates,
    // Its name holds the id of its cluster.
    (cloud.others.yandex_connectionmanager_connection ?? {}) as Record<string, { name: string }>,
    ...DATA.map((type) => (cloud.others[type] ?? {}) as Record<string, { name: string }>),
  ];
  const names = named.flatMap((things) =>
    Object.entries(things).map(([id, { name }]) => [id, `<${name}>`] as const),
  );
  return [...gatewayHosts(cloud), ...names, ...queueIds(cloud)]
    .reduce((out, [id, name]) => out.replaceAll(id, name), text)
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, "<cloud>");
}

// A part of a gateway's id stands in it once more.
function gatewayHosts(cloud: Cloud): (readonly [string, string])[] {
  return Object.values(cloud.gateways).map(({ domain, name }) => [domain, `<host of ${name}>`]);
}

function queueIds(cloud: Cloud): (readonly [string, string])[] {
  return Object.keys(cloud.queues).map((url) => [url, `<queue ${url.split("/").at(-1)}>`]);
}

// Terraform works in parallel, so the order in which things were made says nothing.
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sorted(inner)]));
}
