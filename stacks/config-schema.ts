import * as v from "valibot";
import type { CeleryAppProps } from "../constructs/celery-app-props.ts";
import {
  isOwnVariable,
  OWN_VARIABLES,
  type OwnVariable,
} from "../constructs/celery-environment.ts";
import type { ContainerRegistryProps } from "../constructs/container-registry.ts";
import type { DomainProps } from "../constructs/domain.ts";
import type { ManageContainerProps } from "../constructs/manage-container.ts";
import type { ExistingNetwork } from "../constructs/network.ts";
import type { PostgresClusterProps } from "../constructs/postgres-cluster.ts";
import type { YdbDatabaseProps } from "../constructs/ydb-database.ts";

/** A value that is already in Lockbox. */
export interface LockboxValueConfig {
  readonly secretId: string;
  /** @default - the version that is current when the stack is applied */
  readonly versionId?: string;
  /** Key of the entry in the secret. */
  readonly key: string;
}

/** Your own domain. */
export type DomainConfig = DomainProps;

/** The database of the results. */
export interface DatabaseConfig extends Pick<YdbDatabaseProps, "storageLimitGb"> {
  /** Whether the database refuses to be deleted. @default - true for the stage "production" */
  readonly deletionProtection?: boolean;
}

/** The relational database: one managed host, private, about 3,350 ₽ a month (prices of May 2026). */
export interface PostgresConfig
  extends Pick<PostgresClusterProps, "version" | "hostClass" | "diskGb" | "poolingMode"> {
  /**
   * Where your image has the file of https://storage.yandexcloud.net/cloud-certs/CA.pem, for
   * `PGSSLMODE` `verify-full`. @default - `require`: encrypted, not verified, in a private network
   */
  readonly caFile?: string;
  /** Whether the database refuses to be deleted. @default - true for the stage "production" */
  readonly deletionProtection?: boolean;
}

/** The bucket of uploads. */
export interface MediaConfig {
  /**
   * Its name, unique in all of Object Storage. Another name is another bucket, without the old one's
   * files.
   */
  readonly bucket: string;
}

/** Props of `CeleryApp` that `config.ts` takes unchanged. */
type AppFields =
  | "queueKey"
  | "trigger"
  | "batchSize"
  | "batchCutoffSeconds"
  | "maxReceiveCount"
  | "env"
  | "aliases"
  | "workerPath"
  | "queues"
  | "web"
  | "worker"
  | "results"
  | "retentionDays"
  | "networkId"
  | "schedule"
  | "roles";

/** Everything that may differ from stage to stage. */
export interface StageConfig
  extends Pick<CeleryAppProps, AppFields>,
    Pick<ContainerRegistryProps, "keepNewest"> {
  /** Folder to deploy to. @default - YC_FOLDER_ID, or the folder of the `yc` profile */
  readonly folderId?: string;
  /**
   * Where Terraform keeps the state: a file below `.state/`, or a bucket of Object Storage with
   * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment. @default { type: "local" }
   */
  readonly backend?:
    | { readonly type: "local" }
    | {
        readonly type: "s3";
        readonly bucket: string;
        /** Key prefix. @default - the project's name */
        readonly prefix?: string;
        /** @default "https://storage.yandexcloud.net" */
        readonly endpoint?: string;
        /** @default "ru-central1" */
        readonly region?: string;
      };
  /** Where the image is built from. */
  readonly image?: {
    /** Folder with the sources, relative to the project. @default "examples/django-celery" */
    readonly context?: string;
    /** Relative to the context. @default "Dockerfile" */
    readonly dockerfile?: string;
    /**
     * What the containers need, for local runs: a requirements file, pyproject.toml or uv.lock,
     * relative to the context. @default - requirements.txt, uv.lock or pyproject.toml
     */
    readonly requirements?: string;
    /**
     * Folder that the image's WORKDIR holds, for local runs, relative to the context.
     * @default - the context, or the folder in it that holds the package of `celeryApp`
     */
    readonly workdir?: string;
  };
  /** Variables whose values are in Lockbox. */
  readonly secrets?: Readonly<Record<string, LockboxValueConfig>>;
  /** The database of the results. */
  readonly database?: DatabaseConfig;
  /**
   * A PostgreSQL for Django, in a network of its own; `false` in a stage removes it. Your settings get
   * `DATABASE_URL` and `PGHOST` to `PGPASSWORD`. @default - none
   */
  readonly postgres?: false | PostgresConfig;
  /**
   * A network that exists already, for the database of `postgres`: one subnet in each availability
   * zone. A cloud may allow one network for all its containers, which its stages then share.
   *
   * @default - one is created
   */
  readonly network?: ExistingNetwork;
  /**
   * A private bucket for what users upload; `false` in a stage removes it. Your settings get
   * `AWS_STORAGE_BUCKET_NAME` and what boto3 reads.
   *
   * @default - none; with `true` its name is `<project>[-<stage>]-media-<id of the state>`
   */
  readonly media?: boolean | MediaConfig;
  /**
   * Bucket whose objects are served below `/static/`: it is yours, and `deploy` puts the image's
   * static files into it. Each stage takes one of its own; `false` in a stage goes without.
   *
   * @default - the site serves its own
   */
  readonly staticBucket?: false | string;
  /**
   * The command of `manage.py` that every deploy runs with the new image before the site and the
   * worker get it: words without quotes. `false` for none.
   *
   * @default - "migrate --noinput" with `postgres`, else none
   */
  readonly release?: false | string;
  /**
   * The container in which `npm run manage` runs commands of `manage.py`; it costs nothing while none
   * runs. @default - there is one with `postgres`, `release` or `staticBucket`
   */
  readonly manage?: Pick<
    ManageContainerProps,
    "memoryMib" | "cores" | "coreFraction" | "timeoutSeconds"
  >;
  /**
   * The site's own domain with a Let's Encrypt certificate; `false` in a stage removes the one
   * above it. @default - the gateway's own
   */
  readonly domain?: false | DomainConfig;
  /**
   * A dashboard of Monitoring with queues, containers, gateway and triggers, which costs nothing.
   * `npm run outputs` has its address. @default false
   */
  readonly dashboard?: boolean;
  /** Your own OpenAPI 3.0 file instead of the built-in routes. */
  readonly openapi?: string;
  /**
   * Values to accept although this project's lists and limits, which may be older than they are,
   * do not have them, e.g. `["a_new_integration", 16384]`. The error names the list.
   *
   * @default - none
   */
  readonly accept?: readonly (string | number)[];
  /** Your cloud's quotas, if they were raised. */
  readonly quotas?: {
    /** @default 10 */
    readonly containers?: number;
    /** Of queues and timers, together with those of other projects. @default 100 */
    readonly triggers?: number;
    /** Queues of dead letters included. @default 1000 */
    readonly queues?: number;
  };
}

/** What `config.ts` exports. */
export interface Config extends StageConfig {
  /** First part of every cloud name: lowercase letters, digits and hyphens. */
  readonly project: string;
  /** Where the Celery application is, e.g. "shop.celery:app". */
  readonly celeryApp: string;
  /** Stages by name, each with what differs from the rest. `--stage` takes only these. */
  readonly stages?: Readonly<Record<string, StageConfig>>;
}

const text = v.pipe(v.string(), v.nonEmpty("must not be empty"));

// Ids are 20 letters and digits today; the documentation says only that they are at most 50.
const id = v.pipe(
  v.string(),
  v.regex(
    /^[a-z][a-z0-9]{1,49}$/,
    'must be an id: lowercase letters and digits, e.g. "b1g0123456789abcdefg"',
  ),
);

const role = v.pipe(v.string(), v.regex(/^[a-z][a-zA-Z.-]*$/, 'must be a role, e.g. "ymq.reader"'));

// Where Celery takes the name from, a URL, a "?" would end it.
const table = v.pipe(
  v.string(),
  v.regex(
    /^(?=.{3,255}$)[\w.-]+(\/[\w.-]+)*$/,
    "must be 3 to 255 letters, digits, dots, hyphens and underscores",
  ),
);

const bucket = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$/,
    "must be 3 to 63 lowercase letters, digits, hyphens and dots",
  ),
);

const instance = {
  memoryMib: v.optional(v.number()),
  cores: v.optional(v.number()),
  coreFraction: v.optional(v.number()),
  timeoutSeconds: v.optional(v.number()),
};

const container = v.strictObject({
  ...instance,
  concurrency: v.optional(v.number()),
  minInstances: v.optional(v.number()),
  command: v.optional(v.array(text)),
});

const commandShape =
  'must be a command of manage.py, words without quotes, e.g. "migrate --noinput"';

const command = v.pipe(v.string(), v.regex(/^[\w.:=/,@+-]+( [\w.:=/,@+-]+)*$/, commandShape));

const stageEntries = {
  folderId: v.optional(id),
  backend: v.optional(
    v.variant("type", [
      v.strictObject({ type: v.literal("local") }),
      v.strictObject({
        type: v.literal("s3"),
        bucket,
        prefix: v.optional(text),
        endpoint: v.optional(
          v.pipe(v.string(), v.url('must be a URL, e.g. "https://storage.yandexcloud.net"')),
        ),
        region: v.optional(text),
      }),
    ]),
  ),
  queueKey: v.optional(v.picklist(["stack", "environment"])),
  trigger: v.optional(v.picklist(["yc", "terraform"])),
  batchSize: v.optional(v.number()),
  batchCutoffSeconds: v.optional(v.number()),
  maxReceiveCount: v.optional(v.number()),
  image: v.optional(
    v.strictObject({
      context: v.optional(text),
      dockerfile: v.optional(text),
      requirements: v.optional(text),
      workdir: v.optional(text),
    }),
  ),
  keepNewest: v.optional(v.number()),
  env: v.optional(v.record(v.string(), v.string())),
  secrets: v.optional(
    v.record(v.string(), v.strictObject({ secretId: id, versionId: v.optional(id), key: text })),
  ),
  aliases: v.optional(
    v.record(
      v.string(),
      v.custom<OwnVariable>(
        isOwnVariable,
        `must be a variable that the stack sets: ${OWN_VARIABLES.join(", ")}`,
      ),
    ),
  ),
  workerPath: v.optional(text),
  queues: v.optional(
    v.record(
      v.string(),
      v.strictObject({
        worker: v.optional(container),
        batchSize: v.optional(v.number()),
        batchCutoffSeconds: v.optional(v.number()),
        maxReceiveCount: v.optional(v.number()),
      }),
    ),
  ),
  web: v.optional(container),
  worker: v.optional(container),
  results: v.optional(
    v.strictObject({
      table: v.optional(table),
      ttlSeconds: v.optional(
        v.pipe(
          v.number(),
          v.integer("must be whole seconds"),
          v.minValue(60, "must be at least 60 seconds"),
        ),
      ),
    }),
  ),
  database: v.optional(
    v.strictObject({
      storageLimitGb: v.optional(v.number()),
      deletionProtection: v.optional(v.boolean()),
    }),
  ),
  postgres: v.optional(
    v.union(
      [
        v.literal(false),
        v.strictObject({
          version: v.optional(v.number()),
          hostClass: v.optional(text),
          diskGb: v.optional(v.number()),
          poolingMode: v.optional(v.picklist(["session", "transaction"])),
          caFile: v.optional(text),
          deletionProtection: v.optional(v.boolean()),
        }),
      ],
      "must be {} or an object with version, hostClass, diskGb, poolingMode, caFile or deletionProtection, or false",
    ),
  ),
  network: v.optional(v.strictObject({ networkId: id, subnetIds: v.array(id) })),
  media: v.optional(
    v.union(
      [v.boolean(), v.strictObject({ bucket })],
      "must be true, false, or { bucket } with its name",
    ),
  ),
  release: v.optional(v.union([v.literal(false), command], commandShape)),
  manage: v.optional(v.strictObject(instance)),
  retentionDays: v.optional(v.number()),
  dashboard: v.optional(v.boolean()),
  networkId: v.optional(id),
  domain: v.optional(
    v.union(
      [
        v.literal(false),
        v.strictObject({
          fqdn: text,
          dns: v.union([v.literal("external"), v.strictObject({ zoneId: id, zone: text })]),
        }),
      ],
      'must be { fqdn, dns } with dns "external" or { zoneId, zone }, or false',
    ),
  ),
  openapi: v.optional(text),
  staticBucket: v.optional(
    v.union([v.literal(false), bucket], "must be the name of a bucket, or false"),
  ),
  schedule: v.optional(text),
  roles: v.optional(
    v.strictObject({ queueReader: v.optional(role), documentApi: v.optional(role) }),
  ),
  accept: v.optional(v.array(v.union([text, v.number()], "must be a text or a number"))),
  quotas: v.optional(
    v.strictObject({
      containers: v.optional(v.number()),
      triggers: v.optional(v.number()),
      queues: v.optional(v.number()),
    }),
  ),
};

const stageName = v.pipe(
  v.string(),
  v.regex(
    /^[a-z][a-z0-9-]{0,15}$/,
    "must be 1 to 16 lowercase letters, digits and hyphens, a letter first",
  ),
  // The default stage keeps its state under this name.
  v.notValue("default", "must be another name: this is the default stage"),
);

/** The shape of `config.ts`, checked when it is loaded. */
export const configSchema = v.strictObject({
  ...stageEntries,
  project: v.pipe(
    v.string(),
    v.regex(
      /^[a-z][a-z0-9-]{0,28}[a-z0-9]$/,
      "must be 2 to 30 lowercase letters, digits and hyphens, a letter first, no hyphen last",
    ),
  ),
  celeryApp: v.pipe(
    v.string(),
    v.regex(
      /^[A-Za-z_][\w.]*:[A-Za-z_]\w*$/,
      'must name a module and an attribute, e.g. "shop.celery:app"',
    ),
  ),
  stages: v.optional(v.record(stageName, v.strictObject(stageEntries))),
});
