import { TerraformOutput, type TerraformStack, TerraformVariable } from "cdktf";
import { describe, expect, test } from "vitest";
import { Network } from "../../constructs/network.ts";
import { PostgresCluster, type PostgresClusterProps } from "../../constructs/postgres-cluster.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { dataSources, raw, refusals, resources, synthPlain } from "../support/synth.ts";

const build = (scope: TerraformStack, props: Partial<PostgresClusterProps> = {}) => {
  const network = new Network(scope, "Network", { name: "shop" });
  return new PostgresCluster(scope, "Postgres", {
    ...{ name: "shop-postgres", database: "shop", network },
    ...props,
  });
};

const synthCluster = (props?: Partial<PostgresClusterProps>) =>
  synthPlain((scope) => void build(scope, props));

describe("PostgresCluster", () => {
  test("is one small private host of the newest version", () => {
    expect(resources(synthCluster(), "yandex_mdb_postgresql_cluster")).toEqual([
      {
        name: "shop-postgres",
        environment: "PRODUCTION",
        network_id: "${yandex_vpc_network.Network.id}",
        security_group_ids: ["${yandex_vpc_security_group.Postgres_Firewall.id}"],
        deletion_protection: false,
        config: {
          version: "18",
          resources: {
            resource_preset_id: "b2.medium",
            disk_type_id: "network-ssd",
            disk_size: 10,
          },
          pooler_config: { pooling_mode: "SESSION" },
        },
        host: [
          {
            zone: "ru-central1-a",
            subnet_id: "${yandex_vpc_subnet.Network_Subnet-a.id}",
            assign_public_ip: false,
          },
        ],
      },
    ]);
  });

  test("passes every option through", () => {
    const stack = synthCluster({
      version: 16,
      hostClass: "s3-c2-m8",
      diskGb: 100,
      poolingMode: "transaction",
      deletionProtection: true,
    });

    expect(resources(stack, "yandex_mdb_postgresql_cluster")).toMatchObject([
      {
        deletion_protection: true,
        config: {
          version: "16",
          resources: { resource_preset_id: "s3-c2-m8", disk_size: 100 },
          pooler_config: { pooling_mode: "TRANSACTION" },
        },
      },
    ]);
  });

  test("admits containers to the pooler's port and nobody else", () => {
    expect(resources(synthCluster(), "yandex_vpc_security_group")).toEqual([
      {
        name: "shop-postgres",
        network_id: "${yandex_vpc_network.Network.id}",
        ingress: [
          {
            description: "Containers, to the pooler",
            protocol: "TCP",
            port: 6432,
            v4_cidr_blocks: ["198.19.0.0/16"],
          },
        ],
      },
    ]);
  });

  test("has one database, whose owner's password the service makes", () => {
    const stack = synthCluster();
    const cluster_id = "${yandex_mdb_postgresql_cluster.Postgres.id}";

    expect(resources(stack, "yandex_mdb_postgresql_user")).toEqual([
      {
        ...{ cluster_id, name: "shop", generate_password: true },
        lifecycle: { ignore_changes: ["generate_password"] },
      },
    ]);
    expect(resources(stack, "yandex_mdb_postgresql_database")).toEqual([
      { cluster_id, name: "shop", owner: "${yandex_mdb_postgresql_user.Postgres_Owner.name}" },
    ]);
  });

  test("is reachable as defaultChild", () => {
    synthPlain((scope) => {
      expect(raw(build(scope)).terraformResourceType).toBe("yandex_mdb_postgresql_cluster");
    });
  });

  test("is connected to by its name, with the password where the service has put it", () => {
    const stack = synthPlain((scope) => {
      const { password, ...rest } = PostgresCluster.connect(scope, "Postgres", {
        name: "shop-postgres",
        database: "shop",
      });
      const account = ServiceAccount.fromId(scope, "App", { accountId: "aje1", folderId: "b1g1" });
      password.grantRead(account);
      const { secretId, versionId, key } = password;
      new TerraformOutput(scope, "known", { value: { ...rest, secretId, versionId, key } });
    });
    const cluster = "data.yandex_mdb_postgresql_cluster.Postgres";
    const connection = "data.yandex_connectionmanager_connection.Postgres_Password";

    expect(dataSources(stack, "yandex_mdb_postgresql_cluster")).toEqual([
      { name: "shop-postgres" },
    ]);
    expect(dataSources(stack, "yandex_mdb_postgresql_user")).toEqual([
      { cluster_id: `\${${cluster}.id}`, name: "shop" },
    ]);
    expect(dataSources(stack, "yandex_connectionmanager_connection")).toEqual([
      {
        connection_id:
          "${data.yandex_mdb_postgresql_user.Postgres_Owner.user_connection_manager[0].connection_id}",
      },
    ]);
    expect(stack.output?.known?.value).toEqual({
      host: `c-\${${cluster}.id}.rw.mdb.yandexcloud.net`,
      port: 6432,
      database: "shop",
      user: "shop",
      networkId: `\${${cluster}.network_id}`,
      secretId: `\${${connection}.lockbox_secret.id}`,
      versionId: `\${${connection}.lockbox_secret.version}`,
      key: `\${${connection}.params.postgresql.auth.user_password.password.lockbox_secret_key}`,
    });
    expect(resources(stack, "yandex_lockbox_secret_iam_member")).toMatchObject([
      { secret_id: `\${${connection}.lockbox_secret.id}`, member: "serviceAccount:aje1" },
    ]);
  });

  test.each<[Partial<PostgresClusterProps>, string]>([
    [
      { name: "My_DB" },
      "'name' is \"My_DB\", allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the cluster.",
    ],
    [
      { database: "my-shop" },
      "'database' is \"my-shop\", allowed: 1 to 63 lowercase letters, digits and underscores, a letter first, other than postgres. Rename the database.",
    ],
    [
      { database: "postgres" },
      "'database' is \"postgres\", allowed: 1 to 63 lowercase letters, digits and underscores, a letter first, other than postgres. Rename the database.",
    ],
    [{ version: 13 }, "'version' is 13, allowed: 14 to 18. Leave it out for 18."],
    [{ version: 19 }, "'version' is 19, allowed: 14 to 18. Leave it out for 18."],
    [
      { hostClass: "large" },
      '\'hostClass\' is "large", allowed: the name of a class, e.g. "b2.medium" or "s3-c2-m8". Leave it out for b2.medium.',
    ],
    [
      { hostClass: "b2.micro" },
      "'hostClass' is \"b2.micro\", allowed: a class that is still sold, b1.medium or larger. Leave it out for b2.medium.",
    ],
    [
      { diskGb: 5 },
      "'diskGb' is 5, allowed: 10 to 512 whole GB. Leave it out for 10, or choose another class.",
    ],
    [
      { diskGb: 513 },
      "'diskGb' is 513, allowed: 10 to 512 whole GB. Leave it out for 10, or choose another class.",
    ],
    [
      { hostClass: "s3-c2-m8", diskGb: 9000 },
      "'diskGb' is 9000, allowed: 10 to 8192 whole GB. Leave it out for 10.",
    ],
  ])("refuses %j", (props, message) => {
    expect(refusals((scope) => build(scope, props))).toEqual([`[app/Postgres] ${message}`]);
  });

  test("accepts sizes of classes at full speed, also small ones", () => {
    const props = { hostClass: "s2.micro", diskGb: 600 };

    expect(refusals((scope) => build(scope, props))).toEqual([]);
  });

  test("refuses a network without a subnet", () => {
    const refused = refusals((scope) => {
      const network = Network.fromIds(scope, "Own", { networkId: "enp1", subnetIds: [] });
      build(scope, { network });
    });

    expect(refused).toEqual([
      "[app/Postgres] 'network.subnetIds' is [], allowed: one subnet in each availability zone. List the network's subnets.",
    ]);
  });

  test("skips what is not known at synth", () => {
    expect(
      refusals((scope) => {
        const { stringValue, numberValue } = new TerraformVariable(scope, "value", {});
        build(scope, {
          ...{ name: stringValue, database: stringValue, hostClass: stringValue },
          ...{ version: numberValue, diskGb: numberValue },
        });
      }),
    ).toEqual([]);
  });
});
