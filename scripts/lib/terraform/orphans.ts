import * as v from "valibot";
import { describeMaker, STATE_LABEL, stateIdOf } from "../../../stacks/ownership.ts";
import type { CloudApi } from "../cloud/cloud-api.ts";
import type { Session } from "../cloud/session.ts";
import { deleteResource } from "./existing-resources.ts";
import type { DeployedApp } from "./outputs.ts";
import type { StateResource } from "./state.ts";

/**
 * Something beside the stack that nothing uses and that can exist twice without an error, so that
 * nobody would notice: a live key, a secret or a version of one.
 */
export interface Orphan {
  /** What a person calls it. */
  readonly what: string;
  /** Whether a deploy with this very state created it. */
  readonly own: boolean;
  /** The command that deletes it. */
  readonly command: string;
  readonly createdAt: number;
  remove(): Promise<void>;
}

const KEY = "yandex_iam_service_account_static_access_key";
const ACCOUNT = "yandex_iam_service_account";
const SECRET = "yandex_lockbox_secret";
const VERSION = "yandex_lockbox_secret_version";

const time = v.pipe(
  v.optional(v.string(), ""),
  v.transform((text) => Date.parse(text) || 0),
);

const common = { id: v.string(), createdAt: time, description: v.optional(v.string(), "") };
const keysSchema = v.array(v.object({ ...common, keyId: v.string() }));
const versionsSchema = v.array(v.object({ ...common, status: v.string() }));
const secretsSchema = v.array(
  v.object({
    ...common,
    name: v.optional(v.string(), ""),
    labels: v.optional(v.record(v.string(), v.string()), {}),
  }),
);

/** Keys, secrets and versions of the stack's accounts and secrets that no state and no container uses. */
export async function findOrphans(
  session: Session,
  app: DeployedApp,
  state: readonly StateResource[],
): Promise<Orphan[]> {
  const [keys, versions, secrets] = await Promise.all([
    unknownKeys(session, state),
    unknownVersions(session, state),
    unknownSecrets(session, state),
  ]);
  if (keys.length + versions.length + secrets.length === 0) return [];
  const used = await findUsed(session.api, app);
  const idleKeys = keys.filter(({ keyId }) => !used.values.has(keyId));
  return [
    ...idleKeys.map((key) => orphanedKey(session, key)),
    ...(await orphanedVersions(session, versions, idleKeys, used)),
    ...secrets
      .filter(({ id }) => !used.secrets.has(id))
      .map((secret) => orphanedSecret(session, secret)),
  ];
}

type ListedKey = v.InferOutput<typeof keysSchema>[number] & { readonly account: string };
type SecretVersion = v.InferOutput<typeof versionsSchema>[number] & Parent;
type UnknownSecret = v.InferOutput<typeof secretsSchema>[number];

interface Parent {
  readonly secretId: string;
  readonly secretName: string;
}

async function unknownKeys(
  { api }: Session,
  state: readonly StateResource[],
): Promise<ListedKey[]> {
  const known = idsOf(state, KEY);
  const accounts = new Set(attributesOf(state, KEY, "service_account_id"));
  const lists = await Promise.all(
    [...accounts].map(async (serviceAccountId) => {
      const path = "/iam/aws-compatibility/v1/accessKeys";
      const list = await api.list("iam", path, "accessKeys", { serviceAccountId });
      const account = nameOf(state, ACCOUNT, serviceAccountId);
      return v.parse(keysSchema, list).map((key) => ({ ...key, account }));
    }),
  );
  return lists.flat().filter(({ id }) => !known.has(id));
}

async function unknownVersions({ api }: Session, state: readonly StateResource[]) {
  const known = new Set([
    ...idsOf(state, VERSION),
    ...attributesOf(state, KEY, "output_to_lockbox_version_id"),
  ]);
  const lists = await Promise.all(
    [...idsOf(state, SECRET)].map(async (secretId) => {
      const path = `/lockbox/v1/secrets/${secretId}/versions`;
      const list = await api.list("lockbox", path, "versions", {});
      const parent = { secretId, secretName: nameOf(state, SECRET, secretId) };
      return v.parse(versionsSchema, list).map((version) => ({ ...version, ...parent }));
    }),
  );
  return lists.flat().filter(({ id, status }) => status === "ACTIVE" && !known.has(id));
}

async function unknownSecrets(session: Session, state: readonly StateResource[]) {
  const { api, folderId, settings, system } = session;
  const known = idsOf(state, SECRET);
  const stateId = stateIdOf(settings, system.root);
  const list = await api.list("lockbox", "/lockbox/v1/secrets", "secrets", { folderId });
  return v
    .parse(secretsSchema, list)
    .filter(
      ({ id, labels }) => stateId !== "" && labels[STATE_LABEL] === stateId && !known.has(id),
    );
}

interface Used {
  readonly secrets: ReadonlySet<string>;
  readonly versions: ReadonlySet<string>;
  /** Everything that is written in them. */
  readonly values: ReadonlySet<string>;
}

const revisionsSchema = v.array(
  v.object({
    status: v.string(),
    secrets: v.optional(v.array(v.object({ id: v.string(), versionId: v.string() })), []),
  }),
);

/** What the containers read now. A state from yesterday knows less than they do. */
async function findUsed(api: CloudApi, { containers }: DeployedApp): Promise<Used> {
  const lists = await Promise.all(
    Object.values(containers).map(({ id: containerId }) =>
      api.list("serverless-containers", "/containers/v1/revisions", "revisions", { containerId }),
    ),
  );
  const read = v
    .parse(revisionsSchema, lists.flat())
    .filter(({ status }) => status === "ACTIVE")
    .flatMap(({ secrets }) => secrets);
  const unique = [...new Map(read.map((one) => [one.versionId, one])).values()];
  const values = await Promise.all(unique.map((one) => valuesOf(api, one.id, one.versionId)));
  return {
    secrets: new Set(unique.map(({ id }) => id)),
    versions: new Set(unique.map(({ versionId }) => versionId)),
    values: new Set(values.flat()),
  };
}

const payloadSchema = v.object({
  entries: v.optional(v.array(v.object({ textValue: v.optional(v.string(), "") })), []),
});

async function valuesOf(api: CloudApi, secretId: string, versionId: string): Promise<string[]> {
  const path = `/lockbox/v1/secrets/${secretId}/payload?versionId=${versionId}`;
  const { entries } = v.parse(payloadSchema, await api.get("payload.lockbox", path));
  return entries.map(({ textValue }) => textValue);
}

function orphanedKey({ api, settings, system }: Session, key: ListedKey): Orphan {
  const path = `/iam/aws-compatibility/v1/accessKeys/${key.id}`;
  return {
    what: `key ${key.id} of account ${key.account}`,
    own: key.description === describeMaker(stateIdOf(settings, system.root)),
    command: `yc iam access-key delete ${key.id}`,
    createdAt: key.createdAt,
    remove: () => api.operate("iam", path, "DELETE"),
  };
}

// Terraform writes no description on a version that holds a key: the key tells whose it is.
async function orphanedVersions(
  { api, settings, system }: Session,
  versions: readonly SecretVersion[],
  idleKeys: readonly ListedKey[],
  used: Used,
): Promise<Orphan[]> {
  const mark = describeMaker(stateIdOf(settings, system.root));
  const ownKeys = new Set(
    idleKeys.filter(({ description }) => description === mark).map(({ keyId }) => keyId),
  );
  const idle = versions.filter(({ id }) => !used.versions.has(id));
  return Promise.all(
    idle.map(async (version) => {
      const { id, secretId, secretName, createdAt, description } = version;
      const path = `/lockbox/v1/secrets/${secretId}:scheduleVersionDestruction`;
      const holdsOwnKey = async () =>
        (await valuesOf(api, secretId, id)).some((value) => ownKeys.has(value));
      return {
        what: `version ${id} of secret ${secretName}`,
        own: description === mark || (ownKeys.size > 0 && (await holdsOwnKey())),
        command: `yc lockbox secret schedule-version-destruction ${secretId} --version-id ${id}`,
        createdAt,
        remove: () => api.operate("lockbox", path, "POST", { versionId: id }),
      };
    }),
  );
}

function orphanedSecret({ api }: Session, { id, name, createdAt }: UnknownSecret): Orphan {
  return {
    what: `secret ${name} (${id})`,
    own: true,
    command: `yc lockbox secret delete ${id}`,
    createdAt,
    remove: () => deleteResource(api, SECRET, id),
  };
}

function idsOf(state: readonly StateResource[], type: string): Set<string> {
  return new Set(attributesOf(state, type, "id"));
}

function attributesOf(state: readonly StateResource[], type: string, name: string): string[] {
  return state
    .filter((resource) => resource.type === type)
    .map(({ attributes }) => attributes[name])
    .filter((value) => typeof value === "string");
}

function nameOf(state: readonly StateResource[], type: string, id: string): string {
  const found = state.find((resource) => resource.type === type && resource.attributes.id === id);
  return typeof found?.attributes.name === "string" ? found.attributes.name : id;
}
