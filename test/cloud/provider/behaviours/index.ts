import { type Behaviour, type DataSource, found } from "../behaviour.ts";
import { sameDuration } from "../duration.ts";
import { isUnknown, text } from "../values.ts";
import { authorizedKey, serviceAccount, serviceAccountData, staticAccessKey } from "./accounts.ts";
import { bucket } from "./bucket.ts";
import { certificate, certificateData } from "./certificate.ts";
import { container, containerData } from "./container.ts";
import { database, databaseData } from "./database.ts";
import { recordset } from "./dns.ts";
import { gateway, gatewayData } from "./gateway.ts";
import { generic, genericData } from "./generic.ts";
import { grantBehaviour } from "./grants.ts";
import {
  secret,
  secretData,
  secretVersion,
  secretVersionData,
  secretVersionHashed,
} from "./lockbox.ts";
import {
  cluster,
  clusterData,
  connectionData,
  database as postgresDatabase,
  user as postgresUser,
  userData,
} from "./postgres.ts";
import { queue, queueData } from "./queue.ts";
import { lifecyclePolicy, registry, registryData, repository, repositoryData } from "./registry.ts";
import { trigger } from "./trigger.ts";
import { network, securityGroup, subnet, subnetData } from "./vpc.ts";

const BEHAVIOURS: Record<string, Behaviour> = {
  yandex_api_gateway: gateway,
  yandex_cm_certificate: certificate,
  yandex_container_registry: registry,
  yandex_container_repository: repository,
  yandex_container_repository_lifecycle_policy: lifecyclePolicy,
  yandex_dns_recordset: recordset,
  yandex_dns_zone: generic({
    half: "sdk",
    prefix: "dns",
    options: { defaults: { name: "" }, replaceOn: ["zone", "public", "private_networks"] },
    computed: (_call, planned) => ({
      public: isUnknown(planned.public) ? false : planned.public,
      private_networks: isUnknown(planned.private_networks) ? [] : planned.private_networks,
    }),
  }),
  yandex_function_trigger: trigger,
  yandex_iam_service_account: serviceAccount,
  yandex_iam_service_account_key: authorizedKey,
  yandex_iam_service_account_static_access_key: staticAccessKey,
  yandex_iam_workload_identity_federated_credential: generic({
    half: "framework",
    prefix: "aje",
    idAttribute: "federated_credential_id",
    options: { replaceOn: ["federation_id", "service_account_id", "external_subject_id"] },
  }),
  yandex_iam_workload_identity_oidc_federation: generic({
    half: "framework",
    prefix: "aje",
    idAttribute: "federation_id",
    options: { replaceOn: ["issuer", "folder_id"] },
    computed: (_call, planned) => ({ enabled: planned.disabled !== true }),
  }),
  yandex_lockbox_secret: secret,
  yandex_lockbox_secret_version: secretVersion,
  yandex_lockbox_secret_version_hashed: secretVersionHashed,
  yandex_logging_group: generic({
    half: "framework",
    prefix: "e23",
    idAttribute: "log_group_id",
    unique: "LogGroup",
    options: { replaceOn: ["folder_id"], alike: { retention_period: sameDuration } },
    computed: ({ settings }, planned) => ({
      cloud_id: settings.cloudId,
      retention_period: isUnknown(planned.retention_period) ? "72h0m0s" : planned.retention_period,
    }),
  }),
  yandex_mdb_postgresql_cluster: cluster,
  yandex_mdb_postgresql_database: postgresDatabase,
  yandex_mdb_postgresql_user: postgresUser,
  yandex_message_queue: queue,
  yandex_monitoring_dashboard: generic({
    half: "sdk",
    prefix: "fbe",
    idAttribute: "dashboard_id",
    options: { replaceOn: ["folder_id"] },
  }),
  yandex_serverless_container: container,
  yandex_storage_bucket: bucket,
  yandex_vpc_network: network,
  yandex_vpc_security_group: securityGroup,
  yandex_vpc_subnet: subnet,
  yandex_ydb_database_serverless: database,
};

const DATA_SOURCES: Record<string, DataSource> = {
  yandex_api_gateway: gatewayData,
  yandex_connectionmanager_connection: connectionData,
  yandex_client_config: ({ settings }) => ({
    id: "client-config",
    cloud_id: settings.cloudId,
    folder_id: settings.folderId,
    zone: "",
    iam_token: "",
  }),
  yandex_cm_certificate: certificateData,
  yandex_container_registry: registryData,
  yandex_container_repository: repositoryData,
  yandex_dns_zone: genericData("dns_zone_id", "DnsZone"),
  yandex_iam_service_account: serviceAccountData,
  yandex_lockbox_secret: secretData,
  yandex_lockbox_secret_version: secretVersionData,
  yandex_mdb_postgresql_cluster: clusterData,
  yandex_mdb_postgresql_user: userData,
  yandex_message_queue: queueData,
  yandex_resourcemanager_folder: ({ cloud, settings }, config) => {
    const id = text(config.folder_id) || settings.folderId;
    const known = cloud.folders ? found(cloud.folders[id], `Folder ${id}`) : undefined;
    const cloudId = known?.cloudId ?? settings.cloudId;
    return { id, folder_id: id, name: known?.name ?? id, cloud_id: cloudId, status: "ACTIVE" };
  },
  yandex_serverless_container: containerData,
  yandex_vpc_subnet: subnetData,
  yandex_ydb_database_serverless: databaseData,
};

export function behaviourOf(type: string): Behaviour {
  const behaviour = BEHAVIOURS[type] ?? grantBehaviour(type);
  if (!behaviour) throw new Error(`The stand-in provider has no behaviour for ${type}.`);
  return behaviour;
}

export function dataSourceOf(type: string): DataSource {
  const source = DATA_SOURCES[type];
  if (!source) throw new Error(`The stand-in provider has no data source ${type}.`);
  return source;
}
