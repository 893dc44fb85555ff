import { dropGrants } from "../../rights.ts";
import type { Container, Revision } from "../../state.ts";
import {
  type Behaviour,
  type Call,
  CREATED_AT,
  type DataSource,
  described,
  description,
  folderOf,
  found,
  newId,
  type Outcome,
  refuseTakenName,
  serviceUrl,
} from "../behaviour.ts";
import { goDuration, sameDuration, seconds } from "../duration.ts";
import {
  type Attributes,
  elements,
  isUnknown,
  only,
  same,
  text,
  withoutUnknown,
} from "../values.ts";
import { resolveImage, whyNotStarted } from "./container-revision.ts";
import { findByIdOrName } from "./lookup.ts";

/** A change in any of these deploys a revision; all else is the container's own. */
const REVISION = [
  ...["memory", "cores", "core_fraction", "execution_timeout", "service_account_id", "concurrency"],
  ...["secrets", "image", "connectivity", "mounts", "storage_mounts", "log_options"],
  ...["provision_policy", "runtime", "metadata_options", "async_invocation"],
];

export const container: Behaviour = {
  half: "sdk",
  defaults: { cores: 1 },
  replaceOn: ["folder_id"],
  keptBlocks: ["secrets", "mounts", "storage_mounts", "runtime", "metadata_options"],
  alike: { execution_timeout: sameDuration },
  check: ({ execution_timeout: timeout }) =>
    typeof timeout === "string" && !(seconds(timeout) > 0)
      ? [`execution_timeout must be a positive duration, got ${timeout}`]
      : [],
  create(call, planned) {
    const folderId = folderOf(call, planned);
    const name = text(planned.name);
    refuseTakenName(call.cloud.containers, name, folderId, "Container");
    const id = newId(call, "bba", name);
    const host = `${id}.containers.yandexcloud.net`;
    const url = `${serviceUrl(call.settings, `containers/${id}`, host)}/`;
    const made: Container = { name, folderId, url, revisions: [], ...described(planned) };
    call.cloud.containers[id] = made;
    const own = { id, url, folder_id: folderId, created_at: CREATED_AT, revision_id: null };
    return deploy(call, made, { ...planned, ...own });
  },
  // Without an active revision the provider leaves early and the state keeps what was planned.
  read({ cloud }, state) {
    const kept = cloud.containers[text(state.id)];
    return kept ? { ...ownAttributes(kept), ...activeAttributes(kept) } : null;
  },
  import: (_call, id) => ({ id, created_at: CREATED_AT }),
  update(call, prior, planned) {
    const kept = found(call.cloud.containers[text(planned.id)], "Container");
    kept.name = text(planned.name);
    Object.assign(kept, { description: undefined, labels: undefined }, described(planned));
    const changed = REVISION.some((name) => !same(prior[name], planned[name]));
    return changed ? deploy(call, kept, planned) : { state: planned };
  },
  remove({ cloud }, state) {
    delete cloud.containers[text(state.id)];
    dropGrants(cloud, `container:${text(state.id)}`);
  },
};

export const containerData: DataSource = ({ cloud }, config) => {
  const wanted = { id: config.container_id, name: config.name, folder: config.folder_id };
  const [id, kept] = findByIdOrName(cloud.containers, wanted, "Container");
  const own = { id, container_id: id, created_at: CREATED_AT };
  return { ...ownAttributes(kept), ...activeAttributes(kept), ...own };
};

// A revision that does not start is a warning: the apply succeeds.
function deploy(call: Call, kept: Container, planned: Attributes): Outcome {
  const inputs = revisionInputs(planned);
  const reason = whyNotStarted(call, kept.folderId, inputs);
  const status = reason ? "ERROR" : "ACTIVE";
  const revision = newRevision(call, inputs, status);
  if (!reason) {
    retire(kept);
    call.cloud.log.push(`revision ${kept.name} ${revision.digest}`);
  }
  kept.revisions.push(revision);
  const state = { ...planned, ...activeAttributes(kept) };
  if (!reason) return { state };
  const warning = `Failed to deploy a revision of container ${kept.name}, apply again: ${reason}`;
  return { state, warnings: [warning] };
}

function retire(kept: Container): void {
  for (const revision of kept.revisions) {
    if (revision.status === "ACTIVE") revision.status = "OBSOLETE";
  }
}

function newRevision(call: Call, inputs: Attributes, status: Revision["status"]): Revision {
  const image = only(inputs.image) ?? {};
  const digest = resolveImage(call.cloud, text(image.url))?.digest ?? "";
  const block = { ...image, digest };
  return {
    id: newId(call, "bba", "revision"),
    status,
    image: text(image.url),
    digest,
    createdAt: new Date(Date.parse(CREATED_AT) + call.cloud.tick * 1000).toISOString(),
    environment: (image.environment ?? {}) as Record<string, string>,
    inputs: { ...inputs, image: [block] },
  };
}

// What the configuration leaves open the cloud decides, and says so when it is read.
function revisionInputs(planned: Attributes): Attributes {
  const given = (name: string, fallback: unknown) =>
    isUnknown(planned[name]) ? fallback : (planned[name] ?? fallback);
  const blocks = Object.fromEntries(REVISION.map((name) => [name, withoutUnknown(planned[name])]));
  return {
    ...blocks,
    core_fraction: given("core_fraction", 100),
    concurrency: given("concurrency", 1),
    execution_timeout: goDuration(seconds(text(given("execution_timeout", "60s")))),
    runtime: elements(given("runtime", [{ type: "http" }])),
    secrets: elements(planned.secrets),
    mounts: elements(withoutUnknown(planned.mounts)),
    storage_mounts: elements(withoutUnknown(planned.storage_mounts)),
    metadata_options: elements(withoutUnknown(planned.metadata_options)),
  };
}

function ownAttributes(kept: Container): Attributes {
  const { name, url, folderId } = kept;
  return { name, url, folder_id: folderId, ...description(kept, "sdk") };
}

function activeAttributes({ revisions }: Container): Attributes {
  const active = revisions.find((it) => it.status === "ACTIVE");
  return active ? { ...(active.inputs as Attributes), revision_id: active.id } : {};
}
