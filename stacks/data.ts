import { App, TerraformStack, TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import { Bucket } from "../constructs/bucket.ts";
import { configureStack } from "../constructs/configure-stack.ts";
import { Network } from "../constructs/network.ts";
import { PostgresCluster } from "../constructs/postgres-cluster.ts";
import { defineOutputs } from "./define-outputs.ts";
import { stateLocation } from "./directories.ts";
import { stateIdIn } from "./labels.ts";
import type { DataOutputs } from "./outputs.ts";
import { namePrefix, type PostgresSettings, type Settings, stackId } from "./settings.ts";
import { FOLDER_VARIABLE } from "./variables.ts";

/** The name under which the stack that connects finds the cluster. */
export function clusterName(settings: Settings): string {
  return `${namePrefix(settings)}-postgres`;
}

/** What every gateway's own domain ends with, as an origin. */
const GATEWAYS = "https://*.apigw.yandexcloud.net";
/** So that the rest of the longest name fits into the 63 characters of a bucket's. */
const PREFIX_LENGTH = 44;

/** The name of the bucket of uploads, the same in every stack of a stage. */
export function mediaBucketName(stack: TerraformStack, settings: Settings): string {
  const prefix = namePrefix(settings).slice(0, PREFIX_LENGTH);
  return settings.media?.bucket ?? `${prefix}-media-${stateIdIn(stack)}`;
}

/**
 * What outlives the app: the relational database and its network, and the bucket of uploads. A stack
 * of its own, because a network can be deleted only up to a day after the last container has left it.
 */
export class DataStack extends TerraformStack {
  private readonly settings: Settings;

  constructor(scope: Construct, settings: Settings) {
    super(scope, stackId("data", settings.stage));
    this.settings = settings;
    configureStack(this, {
      folderId: settings.folderId,
      state: stateLocation(settings, "data", App.of(this).outdir),
    });
    defineOutputs<DataOutputs>(this, {
      postgres: settings.postgres && this.definePostgres(settings.postgres),
      media_bucket: settings.media && this.defineMedia(),
    });
  }

  private defineMedia(): string {
    const { domain, folderId } = this.settings;
    const bucket = new Bucket(this, "Media", {
      name: mediaBucketName(this, this.settings),
      folderId: folderId ?? this.defineFolder(),
      origins: [...(domain ? [`https://${domain.fqdn}`] : []), GATEWAYS],
    });
    return bucket.name;
  }

  // Nothing in Terraform tells the provider's, unless it writes the token into the state.
  private defineFolder(): string {
    const folder = new TerraformVariable(this, "Folder", {
      type: "string",
      nullable: false,
      default: "",
      description: "The folder of the bucket. `npm run deploy` fills it in",
      validation: [
        {
          condition: `\${can(regex("^[a-z][a-z0-9]{1,49}$", var.${FOLDER_VARIABLE}))}`,
          errorMessage: `The folder of the bucket is not known. Set 'folderId' in config.ts, or TF_VAR_${FOLDER_VARIABLE}.`,
        },
      ],
    });
    folder.overrideLogicalId(FOLDER_VARIABLE);
    return folder.stringValue;
  }

  private definePostgres({ caFile: _, ...props }: PostgresSettings) {
    const network = this.defineNetwork();
    const cluster = new PostgresCluster(this, "Postgres", {
      ...props,
      name: clusterName(this.settings),
      network,
    });
    return { cluster_id: cluster.id, network_id: network.networkId };
  }

  private defineNetwork(): Network {
    const { network } = this.settings;
    return network
      ? Network.fromIds(this, "Network", network)
      : new Network(this, "Network", { name: namePrefix(this.settings) });
  }
}
