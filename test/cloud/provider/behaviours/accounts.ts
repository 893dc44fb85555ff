import { createHash, randomBytes } from "node:crypto";
import {
  type Behaviour,
  type Call,
  CREATED_AT,
  type DataSource,
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
    call.cloud.accounts[id] = { name, folderId };
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
    return account ? { name: account.name, folder_id: account.folderId } : null;
  },
  update({ cloud }, _prior, planned) {
    found(cloud.accounts[text(planned.id)], "ServiceAccount").name = text(planned.name);
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
    cloud.keys[key.accessKey] = { id, accountId, secret: key.secret };
    return { state: { ...planned, ...kept, id, created_at: CREATED_AT } };
  },
  // The id of a key that was handed to Lockbox comes back with the first refresh; its secret does not.
  read({ cloud }, state) {
    const entry = Object.entries(cloud.keys).find(([, key]) => key.id === state.id);
    return entry ? { access_key: entry[0], service_account_id: entry[1].accountId } : null;
  },
  update: (_call, _prior, planned) => ({ state: planned }),
  remove({ cloud }, state) {
    for (const [accessKey, key] of Object.entries(cloud.keys)) {
      if (key.id === state.id) delete cloud.keys[accessKey];
    }
    const output = only(state.output_to_lockbox);
    if (output)
      destroyVersion(cloud, text(output.secret_id), text(state.output_to_lockbox_version_id));
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
