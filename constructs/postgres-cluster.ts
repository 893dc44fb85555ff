import { DataYandexConnectionmanagerConnection } from "@cdktf/provider-yandex/lib/data-yandex-connectionmanager-connection";
import { DataYandexMdbPostgresqlCluster } from "@cdktf/provider-yandex/lib/data-yandex-mdb-postgresql-cluster";
import { DataYandexMdbPostgresqlUser } from "@cdktf/provider-yandex/lib/data-yandex-mdb-postgresql-user";
import { MdbPostgresqlCluster } from "@cdktf/provider-yandex/lib/mdb-postgresql-cluster";
import { MdbPostgresqlDatabase } from "@cdktf/provider-yandex/lib/mdb-postgresql-database";
import { MdbPostgresqlUser } from "@cdktf/provider-yandex/lib/mdb-postgresql-user";
import { VpcSecurityGroup } from "@cdktf/provider-yandex/lib/vpc-security-group";
import { Construct } from "constructs";
import { checkName, type NamedProps } from "./_name.ts";
import { isKnown, mismatches, outside, type Refuse, refuseAtSynth } from "./_refusal.ts";
import type { Network } from "./network.ts";
import { Secret, type SecretValue } from "./secret.ts";

/** Where the pooler listens, on every cluster. */
const PORT = 6432;
/** Where requests of containers come from, whatever network they are attached to. */
const CONTAINERS = "198.19.0.0/16";
/** The newest major version that the provider knows, and the default. */
export const NEWEST_VERSION = 18;
const CLASSES =
  "https://yandex.cloud/en/docs/managed-postgresql/concepts/instance-types, November 2026";

/** How long the pooler keeps a server's session for a client. */
export type PoolingMode = "session" | "transaction";

/**
 * Props of {@link PostgresCluster}.
 *
 * @see https://yandex.cloud/en/docs/managed-postgresql/concepts/
 */
export interface PostgresClusterProps extends NamedProps {
  readonly network: Network;
  /** Name of the database and of its owner: 1 to 63 lowercase letters, digits and underscores, a letter first. */
  readonly database: string;
  /** Major version, 14 to 18; an upgrade happens in place, a downgrade is impossible. @default 18 */
  readonly version?: number;
  /**
   * Class of the one host.
   *
   * @default "b2.medium", the smallest that is sold: 2 vCPU at 50 %, 4 GB of memory
   */
  readonly hostClass?: string;
  /** GB of network SSD, 10 to 8192; it can grow only. @default 10 */
  readonly diskGb?: number;
  /**
   * How long the pooler in front of the server keeps a server's session for a client: until the client
   * leaves, or until its transaction ends. With `transaction` Django needs
   * `DISABLE_SERVER_SIDE_CURSORS`. @default "session"
   */
  readonly poolingMode?: PoolingMode;
  /** Whether the cluster refuses to be deleted, contents and all. @default false */
  readonly deletionProtection?: boolean;
}

/** A cluster of another stack. */
export interface ExistingPostgresCluster extends NamedProps {
  readonly database: string;
}

/** What a client needs to connect. */
export interface PostgresConnection {
  /** The master's, which stays the same when the host changes. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** In Lockbox, where the service has put it. */
  readonly password: SecretValue;
  /** The network that the host is in; it has no address outside. */
  readonly networkId: string;
}

/**
 * A managed PostgreSQL with one host, one database and its owner, which only containers in its network
 * reach.
 *
 * The service makes the password and keeps it in Lockbox, through Connection Manager: it is in no
 * state, plan or log.
 *
 * @example
 * new PostgresCluster(this, "Postgres", { name: "shop-postgres", database: "shop", network });
 * // In the stack of what connects:
 * const connection = PostgresCluster.connect(this, "Postgres", { name: "shop-postgres", database: "shop" });
 */
export class PostgresCluster extends Construct {
  /** Looks up how to connect to a cluster of another stack, which has to be applied before. */
  static connect(
    scope: Construct,
    id: string,
    { name, database }: ExistingPostgresCluster,
  ): PostgresConnection {
    const parent = new Construct(scope, id);
    const cluster = new DataYandexMdbPostgresqlCluster(parent, "Resource", { name });
    const owner = new DataYandexMdbPostgresqlUser(parent, "Owner", {
      clusterId: cluster.id,
      name: database,
    });
    const password = new DataYandexConnectionmanagerConnection(parent, "Password", {
      connectionId: owner.userConnectionManager.get(0).connectionId,
    });
    const secret = Secret.fromLockbox(parent, "Secret", {
      secretId: password.lockboxSecret.id,
      versionId: password.lockboxSecret.version,
    });
    const { lockboxSecretKey } = password.params.postgresql.auth.userPassword.password;
    return {
      host: `c-${cluster.id}.rw.mdb.yandexcloud.net`,
      port: PORT,
      database,
      user: database,
      password: secret.value(lockboxSecretKey),
      networkId: cluster.networkId,
    };
  }

  readonly id: string;

  constructor(scope: Construct, id: string, props: PostgresClusterProps) {
    super(scope, id);
    refuseAtSynth(this, (refuse) => checkPostgresCluster(props, refuse));
    this.id = this.defineCluster(props).id;
    this.defineDatabase(props.database);
  }

  private defineCluster(props: PostgresClusterProps): MdbPostgresqlCluster {
    const { network, poolingMode = "session", deletionProtection = false } = props;
    return new MdbPostgresqlCluster(this, "Resource", {
      name: props.name,
      environment: "PRODUCTION",
      networkId: network.networkId,
      securityGroupIds: [this.defineFirewall(props).id],
      deletionProtection,
      config: {
        version: String(props.version ?? NEWEST_VERSION),
        resources: {
          resourcePresetId: props.hostClass ?? "b2.medium",
          diskTypeId: "network-ssd",
          diskSize: props.diskGb ?? 10,
        },
        poolerConfig: { poolingMode: poolingMode.toUpperCase() },
      },
      host: network.subnets
        .slice(0, 1)
        .map(({ zone, id: subnetId }) => ({ zone, subnetId, assignPublicIp: false })),
    });
  }

  private defineFirewall({ name, network }: PostgresClusterProps): VpcSecurityGroup {
    return new VpcSecurityGroup(this, "Firewall", {
      name,
      networkId: network.networkId,
      ingress: [
        {
          description: "Containers, to the pooler",
          protocol: "TCP",
          port: PORT,
          v4CidrBlocks: [CONTAINERS],
        },
      ],
    });
  }

  private defineDatabase(name: string): void {
    const owner = new MdbPostgresqlUser(this, "Owner", {
      clusterId: this.id,
      name,
      generatePassword: true,
      // It counts once, and an import does not see it.
      lifecycle: { ignoreChanges: ["generate_password"] },
    });
    new MdbPostgresqlDatabase(this, "Database", { clusterId: this.id, name, owner: owner.name });
  }
}

/** What Yandex Cloud or the provider would reject about a cluster. */
function checkPostgresCluster(props: PostgresClusterProps, refuse: Refuse): void {
  checkName(props.name, "cluster", refuse);
  refuse(mismatches(props.database, /^(?!postgres$)[a-z][a-z0-9_]{0,62}$/), {
    field: "database",
    value: props.database,
    allowed:
      "1 to 63 lowercase letters, digits and underscores, a letter first, other than postgres",
    fix: "Rename the database",
  });
  refuse(outside(props.version, 14, NEWEST_VERSION), {
    field: "version",
    value: props.version,
    allowed: `14 to ${NEWEST_VERSION}`,
    fix: `Leave it out for ${NEWEST_VERSION}`,
    source: "https://yandex.cloud/en/docs/managed-postgresql/concepts/, November 2026",
  });
  checkHost(props, refuse);
}

function checkHost({ hostClass, diskGb, network }: PostgresClusterProps, refuse: Refuse): void {
  refuse(mismatches(hostClass, /^[a-z]+\d[a-z0-9-]*(\.[a-z0-9-]+)*$/), {
    field: "hostClass",
    value: hostClass,
    allowed: 'the name of a class, e.g. "b2.medium" or "s3-c2-m8"',
    fix: "Leave it out for b2.medium",
    source: CLASSES,
  });
  refuse(isKnown(hostClass) && /\.(nano|micro)$/.test(hostClass) && hostClass.startsWith("b"), {
    field: "hostClass",
    value: hostClass,
    allowed: "a class that is still sold, b1.medium or larger",
    fix: "Leave it out for b2.medium",
    source: CLASSES,
  });
  const burstable = /^b\d\./.test(hostClass ?? "b2.medium");
  const largest = burstable ? 512 : 8192;
  refuse(outside(diskGb, 10, largest), {
    field: "diskGb",
    value: diskGb,
    allowed: `10 to ${largest} whole GB`,
    fix: burstable ? "Leave it out for 10, or choose another class" : "Leave it out for 10",
    source: CLASSES,
  });
  refuse(network.subnets.length === 0, {
    field: "network.subnetIds",
    value: [],
    allowed: "one subnet in each availability zone",
    fix: "List the network's subnets",
  });
}
