import { createHash } from "node:crypto";
import { CloudError } from "./errors.ts";
import type {
  Certificate,
  Cloud,
  Container,
  Described,
  Gateway,
  Image,
  Revision,
  SecretVersion,
  StaticKey,
} from "./state.ts";

// Nothing in the stand-in cloud depends on the clock, so that two runs print the same.
export const CREATED_AT = "2026-01-01T00:00:00.000Z";

/** How the API shows things, in the snake_case that `yc --format json` prints. */
export function containerView(id: string, container: Container) {
  return { ...namedView(id, container), url: container.url };
}

/** What has an id, a folder, a name and what its maker wrote on it. */
export function namedView(id: string, thing: { name: string; folderId?: string } & Described) {
  const { name, folderId, description, labels } = thing;
  const own = { id, folder_id: folderId, created_at: CREATED_AT, name };
  return { ...own, description, labels, status: "ACTIVE" };
}

export function keyView(accessKey: string, { id, accountId, description, createdAt }: StaticKey) {
  return {
    id,
    service_account_id: accountId,
    created_at: createdAt ?? CREATED_AT,
    description,
    key_id: accessKey,
  };
}

export function versionView(secretId: string, id: string, version: SecretVersion) {
  return {
    id,
    secret_id: secretId,
    created_at: version.createdAt ?? CREATED_AT,
    status: version.status,
    description: version.description,
    payload_entry_keys: Object.keys(version.entries),
  };
}

/** Newest first. A revision that failed to start is not kept by the service. */
export function revisionViews(cloud: Cloud, containerId: string) {
  const container = cloud.containers[containerId];
  if (!container) throw new CloudError("NotFound", `Container ${containerId} not found`);
  return container.revisions
    .filter(({ status }) => status !== "ERROR")
    .map((revision) => revisionView(containerId, revision))
    .reverse();
}

function revisionView(containerId: string, revision: Revision) {
  return {
    id: revision.id,
    container_id: containerId,
    created_at: revision.createdAt ?? CREATED_AT,
    image: {
      image_url: revision.image,
      image_digest: revision.digest,
      environment: revision.environment,
    },
    secrets: ((revision.inputs as { secrets?: unknown[] } | undefined)?.secrets ?? []) as unknown[],
    status: revision.status,
  };
}

export function gatewayView(id: string, gateway: Gateway) {
  const { domain, domains } = gateway;
  return {
    ...namedView(id, gateway),
    domain,
    attached_domains: domains.map(({ fqdn, certificateId }) => ({
      domain_id: certificateId,
      certificate_id: certificateId,
      enabled: true,
      domain: fqdn,
    })),
  };
}

export function imageView({ id, repository, digest, tags }: Image) {
  return { id, name: repository, digest, compressed_size: "1048576", tags, created_at: CREATED_AT };
}

export function repositoryView(name: string, { id }: { id: string }) {
  return { id, name };
}

export function certificateView(id: string, certificate: Certificate) {
  const { domains, status } = certificate;
  return { ...namedView(id, certificate), type: "MANAGED", domains, status };
}

export function folderView(cloud: Cloud, id: string) {
  const known = cloud.folders?.[id];
  if (cloud.folders ? !known : id === "missing") {
    throw new CloudError("NotFound", `Folder with id ${id} not found`);
  }
  return {
    id,
    cloud_id: known?.cloudId ?? cloud.yc?.cloudId ?? "b1gcloud",
    created_at: CREATED_AT,
    name: known?.name ?? "default",
    status: "ACTIVE",
  };
}

/** The current version unless one is named. */
export function payloadView(cloud: Cloud, secretId: string, versionId: string | undefined) {
  const versions = cloud.secrets[secretId]?.versions;
  if (!versions) throw new CloudError("NotFound", `Secret ${secretId} not found`);
  const id = versionId ?? Object.keys(versions).at(-1) ?? "";
  const version = versions[id];
  if (version?.status !== "ACTIVE") {
    throw new CloudError("NotFound", `Active version ${id} of secret ${secretId} not found`);
  }
  const entries = Object.entries(version.entries).map(([key, value]) => ({
    key,
    text_value: value,
  }));
  return { version_id: id, entries };
}

export function deleteImage(cloud: Cloud, id: string): void {
  const at = cloud.images.findIndex((image) => image.id === id);
  if (at < 0) throw new CloudError("NotFound", `Image with ID ${id} not found`);
  cloud.images.splice(at, 1);
}

/** The token of a subject, `userAccount:<id>`, that the REST services take. */
export function iamToken(subject: string): string {
  return `t1.${createHash("sha256").update(subject).digest("base64url")}`;
}
