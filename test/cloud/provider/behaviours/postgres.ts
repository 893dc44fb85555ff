import { randomBytes } from "node:crypto";
import { type Behaviour, type Call, type DataSource, fail, found, newId } from "../behaviour.ts";
import { type Attributes, elements, only, text } from "../values.ts";
import { generic, genericData } from "./generic.ts";

const CLUSTER = "yandex_mdb_postgresql_cluster";
const USER = "yandex_mdb_postgresql_user";
const CONNECTION = "yandex_connectionmanager_connection";

const plainCluster = generic({
  half: "sdk",
  prefix: "c9q",
  unique: "Cluster",
  options: {
    defaults: { deletion_protection: false },
    replaceOn: ["environment", "folder_id", "network_id", "disk_encryption_key_id"],
    keptBlocks: ["maintenance_window"],
  },
  computed: (_call, planned, id) => ({
    health: "ALIVE",
    status: "RUNNING",
    host_master_name: "",
    host: elements(planned.host).map((host, index) => ({
      ...host,
      ...{ fqdn: `rc1a-${id}${index}.mdb.yandexcloud.net`, role: "MASTER" },
    })),
  }),
});

/** A cluster, whose hosts are named once it is there. */
export const cluster: Behaviour = {
  ...plainCluster,
  create(call, planned) {
    const { version } = only(planned.config) ?? {};
    if (!/^1[4-8](-1c)?$/.test(text(version))) {
      fail("InvalidArgument", `Version ${text(version)} is not supported`);
    }
    const network = call.cloud.others.yandex_vpc_network?.[text(planned.network_id)];
    // A network of the user's own need not be made by Terraform.
    if (!network && !text(planned.network_id).startsWith("enpown")) {
      fail("NotFound", `Network ${text(planned.network_id)} not found`);
    }
    return plainCluster.create(call, planned);
  },
  remove(call, state) {
    const id = text(state.id);
    const kept = call.cloud.others[CLUSTER]?.[id] as Attributes | undefined;
    if (kept?.deletion_protection === true) {
      fail("FailedPrecondition", `Cluster ${id} is protected from deletion`);
    }
    plainCluster.remove(call, state);
  },
};

export const clusterData: DataSource = (call, config) => {
  const kept = genericData("cluster_id", "Cluster")(call, config);
  const { id, name, network_id, folder_id, deletion_protection, labels } = kept;
  return { id, cluster_id: id, name, network_id, folder_id, deletion_protection, labels };
};

const plainUser = generic({
  half: "sdk",
  prefix: "",
  options: {
    import: importInCluster,
    replaceOn: ["cluster_id", "name"],
    defaults: { generate_password: false },
    keptBlocks: ["user_connection_manager"],
  },
  computed: (call, planned) => {
    const id = requireNew(call, planned, "User");
    return { id, ...connect(call, planned) };
  },
});

/** A user whose password the service makes: it goes to Lockbox, and nowhere else. */
export const user: Behaviour = {
  ...plainUser,
  create(call, planned) {
    if (planned.generate_password !== true && !planned.password && !planned.password_wo) {
      fail("InvalidArgument", "One of password, password_wo or generate_password is required");
    }
    return plainUser.create(call, planned);
  },
  // The connection goes with its user, and the secret with the connection.
  remove(call, state) {
    const { others, secrets } = call.cloud;
    const connections = (others[CONNECTION] ?? {}) as Record<string, Attributes>;
    for (const [id, { cluster_id, user: name, secret_id }] of Object.entries(connections)) {
      if (cluster_id !== state.cluster_id || name !== state.name) continue;
      delete secrets[text(secret_id)];
      delete connections[id];
    }
    plainUser.remove(call, state);
  },
};

export const userData: DataSource = ({ cloud }, config) => {
  const id = `${text(config.cluster_id)}:${text(config.name)}`;
  const users = (cloud.others[USER] ?? {}) as Record<string, Attributes>;
  const {
    generate_password: _,
    password_wo: __,
    password_wo_version: ___,
    ...kept
  } = found(users[id], `User ${id}`);
  return { ...kept, id, password: null };
};

const plainDatabase = generic({
  half: "sdk",
  prefix: "",
  options: { import: importInCluster, replaceOn: ["cluster_id", "owner"] },
  computed: (call, planned) => {
    const id = requireNew(call, planned, "Database");
    const owner = `${text(planned.cluster_id)}:${text(planned.owner)}`;
    found(call.cloud.others[USER]?.[owner], `User ${owner}`);
    return { id };
  },
});

export const database: Behaviour = plainDatabase;

export const connectionData: DataSource = ({ cloud }, config) => {
  const id = text(config.connection_id);
  const kept = found(cloud.others[CONNECTION]?.[id] as Attributes | undefined, `Connection ${id}`);
  const secretId = text(kept.secret_id);
  const versions = Object.keys(found(cloud.secrets[secretId], `Secret ${secretId}`).versions);
  const newest = versions.at(-1) ?? "";
  return {
    ...{ id, connection_id: id, is_managed: true, name: text(kept.name) },
    lockbox_secret: { id: secretId, version: newest, newest_version: newest, connection_id: id },
    params: {
      postgresql: {
        managed_cluster_id: text(kept.cluster_id),
        auth: {
          user_password: {
            user: text(kept.user),
            password: { lockbox_secret_key: "postgresql_password", raw: null },
          },
        },
      },
    },
  };
};

function importInCluster(_call: Call, id: string): Attributes {
  const [cluster_id, name] = id.split(":");
  return { id, cluster_id, name };
}

/** The id of something new in a cluster that is there. */
function requireNew({ cloud, type }: Call, planned: Attributes, what: string): string {
  const cluster = text(planned.cluster_id);
  found(cloud.others[CLUSTER]?.[cluster], `Cluster ${cluster}`);
  const id = `${cluster}:${text(planned.name)}`;
  if (cloud.others[type]?.[id])
    fail("AlreadyExists", `${what} ${text(planned.name)} already exists`);
  return id;
}

function connect(call: Call, planned: Attributes): Attributes {
  const cluster_id = text(planned.cluster_id);
  const name = text(planned.name);
  const connectionId = newId(call, "a59", `${cluster_id}${name}`);
  const secretId = newId(call, "e6q", `${cluster_id}${name}`);
  const password = randomBytes(24).toString("hex");
  call.cloud.secrets[secretId] = {
    ...{ name: `connection-${connectionId}`, folderId: call.settings.folderId },
    versions: {
      [newId(call, "e6q", `${secretId}v`)]: {
        status: "ACTIVE",
        entries: { postgresql_password: password },
      },
    },
  };
  call.cloud.others[CONNECTION] ??= {};
  call.cloud.others[CONNECTION][connectionId] = {
    ...{ name: `${cluster_id}-${name}`, cluster_id, user: name, secret_id: secretId },
  };
  return {
    connection_manager: { connection_id: connectionId },
    user_connection_manager: [
      { connection_id: connectionId, connection_folder_id: "", secret_folder_id: "" },
    ],
  };
}
