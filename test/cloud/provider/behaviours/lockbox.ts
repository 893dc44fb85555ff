import { randomInt } from "node:crypto";
import { dropGrants } from "../../rights.ts";
import type { Cloud, Secret, SecretVersion } from "../../state.ts";
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
} from "../behaviour.ts";
import { type Attributes, elements, only, text, withoutUnknown } from "../values.ts";
import { findByIdOrName } from "./lookup.ts";

export const secret: Behaviour = {
  half: "sdk",
  replaceOn: ["folder_id", "kms_key_id"],
  blockDefaults: {
    password_payload_specification: {
      length: 36,
      include_uppercase: true,
      include_lowercase: true,
      include_digits: true,
      include_punctuation: true,
    },
  },
  create(call, planned) {
    const id = newId(call, "e6q", text(planned.name));
    const folderId = folderOf(call, planned);
    call.cloud.secrets[id] = { name: "", folderId, versions: {} };
    write(call.cloud.secrets[id], planned);
    const computed = { created_at: CREATED_AT, status: "ACTIVE" };
    return { state: { ...planned, ...computed, id, folder_id: folderId } };
  },
  read({ cloud }, state) {
    const kept = cloud.secrets[text(state.id)];
    if (!kept) return null;
    return {
      name: kept.name || null,
      folder_id: kept.folderId,
      deletion_protection: kept.deletionProtection || withoutProtection(state),
      password_payload_specification: kept.payload ? [kept.payload] : [],
      ...description(kept, "sdk"),
    };
  },
  import: (_call, id) => ({ id, created_at: CREATED_AT, status: "ACTIVE" }),
  update({ cloud }, _prior, planned) {
    write(found(cloud.secrets[text(planned.id)], "Secret"), planned);
    return { state: planned };
  },
  remove({ cloud }, state) {
    const id = text(state.id);
    if (cloud.secrets[id]?.deletionProtection) {
      fail("FailedPrecondition", `Secret ${id} is protected from deletion`);
    }
    delete cloud.secrets[id];
    dropGrants(cloud, `secret:${id}`);
  },
};

export const secretVersion: Behaviour = {
  half: "sdk",
  replaceOn: ["secret_id", "description", "entries"],
  create: (call, planned) => createVersion(call, planned, entriesOf(planned)),
  read: readVersion,
  update: (_call, _prior, planned) => ({ state: planned }),
  remove: ({ cloud }, state) => destroyVersion(cloud, text(state.secret_id), text(state.id)),
};

const NUMBERS = Array.from({ length: 10 }, (_, index) => index + 1);

export const secretVersionHashed: Behaviour = {
  ...secretVersion,
  replaceOn: [
    ...["secret_id", "description"],
    ...NUMBERS.flatMap((n) => [`key_${n}`, `text_value_${n}`]),
  ],
  create(call, planned) {
    const filled = NUMBERS.filter((n) => planned[`key_${n}`]);
    const entries = filled.map((n) => [
      text(planned[`key_${n}`]),
      text(planned[`text_value_${n}`]),
    ]);
    return createVersion(call, planned, Object.fromEntries(entries));
  },
};

export const secretData: DataSource = ({ cloud }, config) => {
  const wanted = { id: config.secret_id, name: config.name, folder: config.folder_id };
  const [id, it] = findByIdOrName(cloud.secrets, wanted, "Secret");
  const current = currentVersion(it);
  const version = current && {
    ...{ id: current[0], secret_id: id, status: current[1].status },
    ...{
      created_at: CREATED_AT,
      destroy_at: "",
      payload_entry_keys: Object.keys(current[1].entries),
    },
  };
  return {
    ...{ id, secret_id: id, name: it.name, folder_id: it.folderId ?? null },
    ...{ status: "ACTIVE", created_at: CREATED_AT, current_version: version ? [version] : [] },
    ...{ deletion_protection: it.deletionProtection ?? false, password_payload_specification: [] },
  };
};

export const secretVersionData: DataSource = ({ cloud }, config) => {
  const secretId = text(config.secret_id);
  const kept = found(cloud.secrets[secretId], `Secret ${secretId}`);
  const versionId = text(config.version_id) || currentVersion(kept)?.[0] || "";
  const version = found(kept.versions[versionId], `Version ${versionId} of secret ${secretId}`);
  const entries = Object.entries(version.entries).map(([key, value]) => ({
    key,
    text_value: value,
  }));
  return { id: versionId, version_id: versionId, entries };
};

/** Adds a version that holds just these entries; it becomes the current one. */
export function addVersion(
  call: Call,
  secretId: string,
  entries: Record<string, string>,
  written = "",
): string {
  const kept = found(call.cloud.secrets[secretId], `Secret ${secretId}`);
  const versionId = newId(call, "e6q", secretId);
  kept.versions[versionId] = {
    ...{ status: "ACTIVE", entries },
    ...(written && { description: written }),
  };
  return versionId;
}

export function destroyVersion(cloud: Cloud, secretId: string, versionId: string): void {
  const kept = found(cloud.secrets[secretId], `Secret ${secretId}`);
  const version = found(kept.versions[versionId], `Version ${versionId} of secret ${secretId}`);
  version.status = "SCHEDULED_FOR_DESTRUCTION";
}

function currentVersion(kept: Secret): [string, SecretVersion] | undefined {
  return Object.entries(kept.versions).findLast(([, version]) => version.status === "ACTIVE");
}

// None and `false` are the same to the older half, which keeps what was written.
function withoutProtection(state: Attributes): unknown {
  return state.deletion_protection === true ? false : state.deletion_protection;
}

function write(kept: Secret, planned: Attributes): void {
  const payload = only(planned.password_payload_specification);
  kept.name = text(planned.name);
  kept.deletionProtection = planned.deletion_protection === true;
  const { description: written, labels } = described(planned);
  kept.description = written;
  kept.labels = labels;
  kept.payload = payload && withoutUnknown(payload);
  kept.generated = payload && {
    key: text(payload.password_key),
    length: Number(payload.length),
    alphabet: alphabet(payload),
  };
}

function alphabet(payload: Attributes): string {
  return [
    payload.include_uppercase ? "ABCDEFGHIJKLMNOPQRSTUVWXYZ" : "",
    payload.include_lowercase ? "abcdefghijklmnopqrstuvwxyz" : "",
    payload.include_digits ? "0123456789" : "",
    payload.include_punctuation ? text(payload.included_punctuation) || "!#$%&()*+,-./:;<=>?@" : "",
  ].join("");
}

function entriesOf(planned: Attributes): Record<string, string> {
  const entries = elements(planned.entries).map((it) => [text(it.key), text(it.text_value)]);
  const empty = entries.find(([, value]) => !value);
  if (empty) fail("InvalidArgument", `no value for key ${empty[0]}`);
  return Object.fromEntries(entries);
}

function createVersion(call: Call, planned: Attributes, entries: Record<string, string>) {
  const secretId = text(planned.secret_id);
  const { generated } = found(call.cloud.secrets[secretId], `Secret ${secretId}`);
  if (generated && Object.keys(entries).length > 0) {
    fail("InvalidArgument", "Entries must be empty for a secret with a payload specification");
  }
  const payload = generated ? { [generated.key]: password(generated) } : entries;
  const id = addVersion(call, secretId, payload, text(planned.description));
  return { state: { ...planned, id } };
}

function password({ length, alphabet: letters }: { length: number; alphabet: string }): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join("");
}

// The provider only looks whether it can read the version's payload.
function readVersion({ cloud }: Call, state: Attributes): Attributes | null {
  const version = cloud.secrets[text(state.secret_id)]?.versions[text(state.id)];
  return version?.status === "ACTIVE" ? {} : null;
}
