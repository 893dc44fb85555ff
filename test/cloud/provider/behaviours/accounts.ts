import { createHash, randomBytes } from "node:crypto";
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
} from "../behaviour.ts";
import { type Attributes, only, text } from "../values.ts";
import { addVersion, destroyVersion } from "./lockbox.ts";
import { findByIdOrName } from "./lookup.ts";

const NAME = /^([a-z]([-a-z0-9]{0,61}[a-z0-9])?)$/;

export const serviceAccount: Behaviour = {
  half: "framework",
  replaceOn: ["folder_id"],
  check: ({ name }) =>
    typeof name === "string" && !NAME.test(name)
      ? [`Attribute name value must match regexp ${NAME.source}, got: ${name}`]
      : [],
  create(call, planned) {
    const folderId = folderOf(call, planned);
    const name = text(planned.name);
    refuseTakenName(call.cloud.accounts, name, folderId, "ServiceAccount");
    const id = newId(call, "aje", name);
    call.cloud.accounts[id] = { name, folderId, ...described(planned) };
    return {
      state: {
        ...planned,
        ...{ id, service_account_id: id, folder_id: folderId },
        ...{ created_at: CREATED_AT, expires_at: "1970-01-01T00:00:00Z", status: "ACTIVE" },
      },
    };
  },
  read({ cloud }, state) {
    const account = cloud.accounts[text(state.id)];
    if (!account) return null;
    const { name, folderId } = account;
    return { name, folder_id: folderId, ...description(account, "framework") };
  },
  import: (_call, id) => ({
    ...{ id, service_account_id: id, created_at: CREATED_AT },
    ...{ expires_at: "1970-01-01T00:00:00Z", status: "ACTIVE" },
  }),
  update({ cloud }, _prior, planned) {
    const account = found(cloud.accounts[text(planned.id)], "ServiceAccount");
    const { folderId } = account;
    cloud.accounts[text(planned.id)] = {
      name: text(planned.name),
      folderId,
      ...described(planned),
    };
    return { state: { ...planned, created_at: CREATED_AT, status: "ACTIVE" } };
  },
  // Grants of an account that is gone stay on their targets, as in the real cloud, but serve nobody.
  remove({ cloud }, state) {
    delete cloud.accounts[text(state.id)];
  },
};

/** A key for the queue service and object storage. */
export const staticAccessKey: Behaviour = {
  half: "sdk",
  replaceOn: ["service_account_id", "description", "pgp_key"],
  create(call, planned) {
    const { cloud } = call;
    const accountId = text(planned.service_account_id);
    found(cloud.accounts[accountId], `ServiceAccount ${accountId}`);
    const id = newId(call, "aje", accountId);
    const key = { accessKey: `YCAJE${id.slice(3).toUpperCase()}`, secret: newSecret() };
    const kept = keep(call, planned, key);
    const written = text(planned.description);
    cloud.keys[key.accessKey] = {
      ...{ id, accountId, secret: key.secret },
      ...(written && { description: written }),
    };
    return { state: { ...planned, ...kept, id, created_at: CREATED_AT } };
  },
  partial({ cloud }, state) {
    const output = only(state?.output_to_lockbox);
    if (!state || !output) return state;
    const key = Object.entries(cloud.keys).find(([, { id }]) => id === state.id);
    const versionId = text(state.output_to_lockbox_version_id);
    delete cloud.secrets[text(output.secret_id)]?.versions[versionId];
    const inState = { access_key: key?.[0], secret_key: key?.[1].secret };
    return { ...state, ...inState, output_to_lockbox_version_id: null };
  },
  // The id of a key that was handed to Lockbox comes back with the first refresh; its secret does not.
  read({ cloud }, state) {
    const entry = Object.entries(cloud.keys).find(([, key]) => key.id === state.id);
    if (!entry) return null;
    const [accessKey, { accountId, description: written = null }] = entry;
    return { access_key: accessKey, service_account_id: accountId, description: written };
  },
  update: (_call, _prior, planned) => ({ state: planned }),
  // A key whose way into Lockbox was cut has no version there, which the provider notices too late.
  remove({ cloud }, state) {
    for (const [accessKey, key] of Object.entries(cloud.keys)) {
      if (key.id === state.id) delete cloud.keys[accessKey];
    }
    const output = only(state.output_to_lockbox);
    if (!output) return;
    const versionId = text(state.output_to_lockbox_version_id);
    if (!versionId) {
      throw new Error(
        "unexpectedly, attribute output_to_lockbox_version_id is empty (this is probably a bug in the provider)",
      );
    }
    destroyVersion(cloud, text(output.secret_id), versionId);
  },
};

/** An authorized key; the stand-in keeps no key pair behind it. */
export const authorizedKey: Behaviour = {
  half: "sdk",
  defaults: { format: "PEM_FILE", key_algorithm: "RSA_2048" },
  replaceOn: ["service_account_id", "format", "key_algorithm", "pgp_key"],
  create(call, planned) {
    const accountId = text(planned.service_account_id);
    found(call.cloud.accounts[accountId], `ServiceAccount ${accountId}`);
    const id = newId(call, "aje", accountId);
    const privateKey = `PLEASE DO NOT REMOVE THIS LINE! ${newSecret()}`;
    const output = only(planned.output_to_lockbox);
    const versionId = output
      ? addVersion(call, text(output.secret_id), {
          [text(output.entry_for_private_key)]: privateKey,
        })
      : null;
    const keys = { private_key: output ? "" : privateKey, public_key: fingerprint(id) };
    const version = { output_to_lockbox_version_id: versionId, created_at: CREATED_AT };
    return { state: { ...planned, ...keys, ...version, id } };
  },
  read: () => ({}),
  update: (_call, _prior, planned) => ({ state: planned }),
  remove: () => undefined,
};

export const serviceAccountData: DataSource = ({ cloud }, config) => {
  const [id, account] = findByIdOrName(
    cloud.accounts,
    { id: config.service_account_id, name: config.name, folder: config.folder_id },
    "ServiceAccount",
  );
  const { name, folderId } = account;
  return { id, service_account_id: id, name, folder_id: folderId, created_at: CREATED_AT };
};

function keep(call: Call, planned: Attributes, key: { accessKey: string; secret: string }) {
  const output = only(planned.output_to_lockbox);
  if (!output) {
    return {
      access_key: key.accessKey,
      secret_key: key.secret,
      output_to_lockbox_version_id: null,
    };
  }
  const names = [text(output.entry_for_access_key), text(output.entry_for_secret_key)] as const;
  if (names[0] === names[1]) fail("InvalidArgument", `Duplicate entry key ${names[0]}`);
  const versionId = addVersion(call, text(output.secret_id), {
    [names[0]]: key.accessKey,
    [names[1]]: key.secret,
  });
  return { access_key: "", secret_key: "", output_to_lockbox_version_id: versionId };
}

function newSecret(): string {
  return `YCP${randomBytes(27).toString("base64url")}`;
}

function fingerprint(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}
