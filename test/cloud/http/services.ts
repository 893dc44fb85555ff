import { createHash } from "node:crypto";
import { CloudError } from "../errors.ts";
import { dropGrants } from "../rights.ts";
import type { Cloud, Described } from "../state.ts";
import {
  certificateView,
  containerView,
  deleteImage,
  folderView,
  gatewayView,
  iamToken,
  imageView,
  keyView,
  namedView,
  payloadView,
  repositoryView,
  revisionViews,
  versionView,
} from "../views.ts";
import { operation, page, type Route, required, restService } from "./rest.ts";

export const OPERATIONS = restService("operation", [
  {
    on: "GET /operations/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ operations }) => ({ id, ...known("Operation", operations ?? {}, id) })),
  },
]);

export const CONTAINERS = restService("serverless-containers", [
  {
    on: "GET /containers/v1/containers",
    run: (call, { read }) => {
      const folder = required(call.query, "folderId");
      const all = read(({ containers }) => Object.entries(containers));
      const views = all.map(([id, it]) => containerView(id, it));
      const here = views.filter(({ folder_id }) => folder_id === folder);
      const { items, ...next } = page(call, here, ["name"]);
      return { containers: items, ...next };
    },
  },
  {
    on: "GET /containers/v1/containers/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ containers }) => containerView(id, known("Container", containers, id))),
  },
  {
    on: "DELETE /containers/v1/containers/{id}",
    run: ({ params: { id = "" } }, context) =>
      operation(context, { containerId: id }, (cloud) => {
        known("Container", cloud.containers, id);
        delete cloud.containers[id];
        dropGrants(cloud, `container:${id}`);
      }),
  },
  {
    on: "GET /containers/v1/revisions",
    run: (call, { read }) => {
      const id = required(call.query, "containerId");
      const revisions = read((cloud) => revisionViews(cloud, id));
      const { items, ...next } = page(call, revisions, ["status"]);
      return { revisions: items, ...next };
    },
  },
  {
    on: "GET /containers/v1/revisions/{id}",
    run: ({ params: { id = "" } }, { read }) => {
      const all = read((cloud) =>
        Object.keys(cloud.containers).flatMap((container) => revisionViews(cloud, container)),
      );
      return known("Revision", Object.fromEntries(all.map((it) => [it.id, it])), id);
    },
  },
]);

export const GATEWAYS = restService("serverless-apigateway", [
  {
    on: "GET /apigateways/v1/apigateways",
    run: (call, { read }) => {
      const folder = required(call.query, "folderId");
      const all = read(({ gateways }) => Object.entries(gateways));
      const views = all.map(([id, it]) => gatewayView(id, it));
      const here = views.filter(({ folder_id }) => folder_id === folder);
      const { items, ...next } = page(call, here, ["name"]);
      return { api_gateways: items, ...next };
    },
  },
  {
    on: "GET /apigateways/v1/apigateways/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ gateways }) => gatewayView(id, known("API gateway", gateways, id))),
  },
  {
    on: "DELETE /apigateways/v1/apigateways/{id}",
    run: ({ params: { id = "" } }, context) =>
      operation(context, { apiGatewayId: id }, ({ gateways }) => {
        known("API gateway", gateways, id);
        delete gateways[id];
      }),
  },
]);

export const REGISTRY = restService("container-registry", [
  {
    on: "GET /container-registry/v1/registries",
    run: listOf("registries", ({ registries }) => registries, namedView),
  },
  {
    on: "GET /container-registry/v1/lifecyclePolicies",
    run: ({ query }, { read }) => {
      const id = required(query, "repositoryId");
      const holder = read(({ repositories }) => Object.values(repositories)).find(
        (it) => it.id === id,
      );
      const { policy } = known("Repository", { [id]: holder }, id);
      return { lifecycle_policies: policy ? [{ ...policy, repository_id: id }] : [] };
    },
  },
  {
    on: "GET /container-registry/v1/registries/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ registries }) => namedView(id, known("Registry", registries, id))),
  },
  {
    on: "GET /container-registry/v1/repositories",
    run: (call, { read }) => {
      const registry = required(call.query, "registryId");
      const all = read(({ repositories }) => Object.entries(repositories));
      const here = all.filter(([name]) => name.startsWith(`${registry}/`));
      const views = here.map(([name, it]) => repositoryView(name, it));
      const { items, ...next } = page(call, views, ["name"]);
      return { repositories: items, ...next };
    },
  },
  {
    on: "DELETE /container-registry/v1/repositories/{id}",
    run: ({ params: { id = "" } }, context) =>
      operation(context, { repositoryId: id }, (cloud) => {
        const [name] =
          Object.entries(cloud.repositories).find(([, repository]) => repository.id === id) ?? [];
        if (name === undefined) throw new CloudError("NotFound", `Repository ${id} not found`);
        if (cloud.images.some(({ repository }) => repository === name)) {
          throw new CloudError("FailedPrecondition", `Repository ${name} is not empty`);
        }
        delete cloud.repositories[name];
      }),
  },
  {
    on: "GET /container-registry/v1/images",
    run: (call, { read }) => {
      const name = call.query.get("repositoryName");
      const registry = name ? "" : required(call.query, "registryId");
      const images = read(({ images }) => images).filter(({ repository }) =>
        name ? repository === name : repository.startsWith(`${registry}/`),
      );
      const { items, ...next } = page(call, images.map(imageView), ["name"]);
      return { images: items, ...next };
    },
  },
  {
    on: "GET /container-registry/v1/images/{id}",
    run: ({ params: { id = "" } }, { read }) => {
      const images = read(({ images }) => images.map(imageView));
      return known("Image", Object.fromEntries(images.map((image) => [image.id, image])), id);
    },
  },
  {
    on: "DELETE /container-registry/v1/images/{id}",
    run: ({ params: { id = "" } }, context) =>
      operation(context, { imageId: id }, (cloud) => deleteImage(cloud, id)),
  },
]);

export const LOCKBOX_PAYLOAD = restService("payload.lockbox", [
  {
    on: "GET /lockbox/v1/secrets/{id}/payload",
    run: ({ params: { id = "" }, query }, { read }) =>
      read((cloud) => payloadView(cloud, id, query.get("versionId") ?? undefined)),
  },
]);

export const LOCKBOX = restService("lockbox", [
  {
    on: "GET /lockbox/v1/secrets",
    run: listOf("secrets", ({ secrets }) => secrets, namedView),
  },
  {
    on: "GET /lockbox/v1/secrets/{id}/versions",
    run: (call, { read }) => {
      const { id = "" } = call.params;
      const { versions } = read(({ secrets }) => known("Secret", secrets, id));
      const views = Object.entries(versions).map(([key, it]) => versionView(id, key, it));
      const { items, ...next } = page(call, views, []);
      return { versions: items, ...next };
    },
  },
  {
    on: "POST /lockbox/v1/secrets/{id}:scheduleVersionDestruction",
    run: ({ params: { id = "" }, body: { versionId } }, context) =>
      operation(context, { secretId: id, versionId: String(versionId) }, ({ secrets }) => {
        const { versions } = known("Secret", secrets, id);
        const version = known("Version", versions, String(versionId));
        if (version.status !== "ACTIVE") {
          throw new CloudError("FailedPrecondition", `Version ${versionId} is not active`);
        }
        version.status = "SCHEDULED_FOR_DESTRUCTION";
      }),
  },
  {
    on: "DELETE /lockbox/v1/secrets/{id}",
    run: ({ params: { id = "" } }, context) =>
      operation(context, { secretId: id }, (cloud) => {
        known("Secret", cloud.secrets, id);
        delete cloud.secrets[id];
        dropGrants(cloud, `secret:${id}`);
      }),
  },
]);

export const LOGGING = restService("logging", [
  {
    on: "GET /logging/v1/logGroups",
    run: listOf("groups", otherResources("yandex_logging_group"), namedView),
  },
]);

export const YDB = restService("ydb", [
  {
    on: "GET /ydb/v1/databases",
    run: listOf("databases", ({ databases }) => databases, namedView),
  },
]);

export const VPC = restService("vpc", [
  {
    on: "GET /vpc/v1/networks",
    run: listOf("networks", otherResources("yandex_vpc_network"), namedView),
  },
  {
    on: "GET /vpc/v1/subnets",
    run: listOf("subnets", otherResources("yandex_vpc_subnet"), namedView),
  },
  {
    on: "GET /vpc/v1/securityGroups",
    run: listOf("security_groups", otherResources("yandex_vpc_security_group"), namedView),
  },
]);

export const BUCKETS = restService("storage", [
  {
    on: "GET /storage/v1/buckets",
    // All at once: a name is enough to know one by.
    run: ({ query }, { read }) => {
      const folder = required(query, "folderId");
      const all = Object.entries(read(otherResources("yandex_storage_bucket")));
      const here = all.filter(([, { folderId }]) => folderId === folder);
      return { buckets: here.map(([name]) => ({ id: `e3e-${name}`, name, folder_id: folder })) };
    },
  },
]);

const CLUSTERS = "/managed-postgresql/v1/clusters";

export const MDB = restService("mdb", [
  {
    on: `GET ${CLUSTERS}`,
    run: listOf("clusters", otherResources("yandex_mdb_postgresql_cluster"), namedView),
  },
  {
    on: `GET ${CLUSTERS}/{id}/users`,
    run: inCluster("users", "yandex_mdb_postgresql_user"),
  },
  {
    on: `GET ${CLUSTERS}/{id}/databases`,
    run: inCluster("databases", "yandex_mdb_postgresql_database"),
  },
]);

function inCluster(field: string, type: string): Route["run"] {
  return (call, { read }) => {
    const { id = "" } = call.params;
    const all = read(({ others }) => Object.values(others[type] ?? {})) as {
      name: string;
      cluster_id: string;
    }[];
    const here = all.filter(({ cluster_id }) => cluster_id === id);
    const views = here.map(({ name }) => ({ name, cluster_id: id }));
    const { items, ...next } = page(call, views, ["name"]);
    return { [field]: items, ...next };
  };
}

export const DNS = restService("dns", [
  {
    on: "GET /dns/v1/zones/{id}:getRecordSet",
    run: ({ params: { id = "" }, query }, { read }) => {
      const [name, type] = [required(query, "name"), required(query, "type")];
      const data = read(({ dnsRecords }) =>
        known("Record set", dnsRecords, `${id}/${name}/${type}`),
      );
      return { name, type, ttl: "600", data };
    },
  },
]);

export const FOLDERS = restService("resource-manager", [
  {
    on: "GET /resource-manager/v1/folders/{id}",
    run: ({ params: { id = "" } }, { read }) => read((cloud) => folderView(cloud, id)),
  },
]);

export const CERTIFICATES = restService("certificate-manager", [
  {
    on: "DELETE /certificate-manager/v1/certificates/{id}",
    run: ({ params: { id = "" } }, context) =>
      operation(context, { certificateId: id }, ({ certificates }) => {
        known("Certificate", certificates, id);
        delete certificates[id];
      }),
  },
  {
    on: "GET /certificate-manager/v1/certificates",
    run: listOf("certificates", ({ certificates }) => certificates, certificateView),
  },
  {
    on: "GET /certificate-manager/v1/certificates/{id}",
    run: ({ params: { id = "" } }, { read }) =>
      read(({ certificates }) => certificateView(id, known("Certificate", certificates, id))),
  },
]);

export const IAM = restService("iam", [
  {
    on: "POST /iam/v1/tokens",
    open: true,
    run: ({ body: { yandexPassportOauthToken: oauth, jwt } }) => {
      const secret = oauth ?? jwt;
      if (typeof secret !== "string" || secret === "") {
        throw new CloudError("Unauthenticated", "OAuth token or JWT is required");
      }
      const token = iamToken(createHash("sha256").update(secret).digest("hex"));
      return { iam_token: token, expires_at: "2030-01-01T00:00:00.000Z" };
    },
  },
  {
    on: "GET /iam/v1/serviceAccounts",
    run: listOf("service_accounts", ({ accounts }) => accounts, namedView),
  },
  {
    on: "GET /iam/aws-compatibility/v1/accessKeys",
    run: (call, { read }) => {
      const account = required(call.query, "serviceAccountId");
      const all = read(({ keys }) => Object.entries(keys));
      const own = all.filter(([, { accountId }]) => accountId === account);
      const { items, ...next } = page(
        call,
        own.map(([id, key]) => keyView(id, key)),
        [],
      );
      return { access_keys: items, ...next };
    },
  },
  {
    on: "DELETE /iam/aws-compatibility/v1/accessKeys/{id}",
    run: ({ params: { id = "" } }, context) =>
      operation(context, { accessKeyId: id }, ({ keys }) => {
        const entry = Object.entries(keys).find(([, key]) => key.id === id);
        if (!entry) throw new CloudError("NotFound", `Access key ${id} not found`);
        delete keys[entry[0]];
      }),
  },
]);

type Named = { name: string; folderId?: string } & Described;

/** A page of what a folder holds of one kind. */
function listOf<T extends Named>(
  field: string,
  find: (cloud: Cloud) => Record<string, T>,
  view: (id: string, thing: T) => { name: string },
): Route["run"] {
  return (call, { read }) => {
    const folder = required(call.query, "folderId");
    const here = Object.entries(read(find)).filter(([, it]) => it.folderId === folder);
    const views = here.map(([id, thing]) => view(id, thing));
    const { items, ...next } = page(call, views, ["name"]);
    return { [field]: items, ...next };
  };
}

// Kept as terraform sees them.
function otherResources(type: string) {
  return ({ others }: Cloud): Record<string, Named> =>
    Object.fromEntries(
      Object.entries((others[type] ?? {}) as Record<string, Named & { folder_id: string }>).map(
        ([id, { folder_id: folderId, ...rest }]) => [id, { ...rest, folderId }],
      ),
    );
}

function known<T>(what: string, items: Readonly<Record<string, T | undefined>>, id: string): T {
  const item = items[id];
  if (!item) throw new CloudError("NotFound", `${what} ${id} not found`);
  return item;
}
