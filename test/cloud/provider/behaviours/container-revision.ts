import type { Cloud, Image } from "../../state.ts";
import { type Call, rpcError } from "../behaviour.ts";
import { type Attributes, elements, only, text } from "../values.ts";
import { hasRole } from "./grants.ts";

const PULLERS = [
  ...["container-registry.images.puller", "container-registry.images.pusher"],
  ...["container-registry.editor", "container-registry.admin", "editor", "admin"],
];
const PAYLOAD_VIEWERS = ["lockbox.payloadViewer", "lockbox.editor", "lockbox.admin", "admin"];

/** All variables and secrets of a revision together, in bytes. */
const ENVIRONMENT_LIMIT = 4096;

/** Why the cloud does not start a revision with these inputs; undefined when it does. */
export function whyNotStarted(
  call: Call,
  folderId: string,
  inputs: Attributes,
): string | undefined {
  if (call.cloud.faults.revisions) return rpcError("Internal", "Revision failed to start");
  return (
    badResources(inputs) ??
    badEnvironment(call.cloud, inputs) ??
    unpulledImage(call.cloud, folderId, inputs) ??
    unreadSecret(call.cloud, folderId, inputs)
  );
}

/** The image that a URL with a digest or a tag means. */
export function resolveImage(cloud: Cloud, url: string): Image | undefined {
  const [, repository, tag, digest] =
    /^cr\.yandex\/([^:@]+)(?::([^@]+))?(?:@(sha256:[0-9a-f]+))?$/.exec(url) ?? [];
  return cloud.images.find(
    (it) =>
      it.repository === repository &&
      (digest ? it.digest === digest : it.tags.includes(tag ?? "latest")),
  );
}

function badResources({ memory, cores, core_fraction: fraction, concurrency }: Attributes) {
  const invalid = (what: string) => rpcError("InvalidArgument", what);
  const mib = Number(memory);
  if (mib < 128 || mib > 8192 || mib % 128 !== 0) return invalid(`Illegal memory ${mib} MB`);
  if (Number(cores) > 1 && fraction !== 100) return invalid("core_fraction must be 100");
  return Number(concurrency) < 1 || Number(concurrency) > 16
    ? invalid(`Illegal concurrency ${text(concurrency)}`)
    : undefined;
}

function badEnvironment(cloud: Cloud, inputs: Attributes): string | undefined {
  const environment = (only(inputs.image)?.environment ?? {}) as Record<string, string>;
  const secrets = elements(inputs.secrets).map((it) => [
    text(it.environment_variable),
    secretValue(cloud, it) ?? "",
  ]);
  const entries = [...Object.entries(environment), ...secrets] as [string, string][];
  const bad = entries.find(([name]) => !/^[a-zA-Z][a-zA-Z0-9_]*$/.test(name) || name === "PORT");
  if (bad) return rpcError("InvalidArgument", `Illegal environment variable ${bad[0]}`);
  const size = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name + value), 0);
  return size > ENVIRONMENT_LIMIT
    ? rpcError("InvalidArgument", `Environment of ${size} bytes exceeds ${ENVIRONMENT_LIMIT}`)
    : undefined;
}

function unpulledImage(cloud: Cloud, folderId: string, inputs: Attributes): string | undefined {
  const url = text(only(inputs.image)?.url);
  const image = resolveImage(cloud, url);
  if (!image) return rpcError("NotFound", `Image ${url} not found`);
  if (image.platform && image.platform !== "linux/amd64") {
    return rpcError("InvalidArgument", `Image ${url} is built for ${image.platform}`);
  }
  const [registryId = ""] = image.repository.split("/");
  const targets = [
    `folder:${cloud.registries[registryId]?.folderId ?? folderId}`,
    `registry:${registryId}`,
    `repository:${cloud.repositories[image.repository]?.id}`,
  ];
  const account = text(inputs.service_account_id);
  return hasRole(cloud, account, PULLERS, targets)
    ? undefined
    : rpcError("PermissionDenied", `Service account ${account} cannot pull image ${url}`);
}

function unreadSecret(cloud: Cloud, folderId: string, inputs: Attributes): string | undefined {
  const account = text(inputs.service_account_id);
  for (const secret of elements(inputs.secrets)) {
    const id = text(secret.id);
    if (secretValue(cloud, secret) === undefined) {
      const key = `${text(secret.version_id)}/${text(secret.key)}`;
      return rpcError("NotFound", `Entry ${key} of secret ${id} not found`);
    }
    const targets = [`secret:${id}`, `folder:${cloud.secrets[id]?.folderId ?? folderId}`];
    if (!hasRole(cloud, account, PAYLOAD_VIEWERS, targets)) {
      return rpcError("PermissionDenied", `Service account ${account} cannot read secret ${id}`);
    }
  }
  return undefined;
}

function secretValue(cloud: Cloud, secret: Attributes): string | undefined {
  const version = cloud.secrets[text(secret.id)]?.versions[text(secret.version_id)];
  return version?.status === "ACTIVE" ? version.entries[text(secret.key)] : undefined;
}
