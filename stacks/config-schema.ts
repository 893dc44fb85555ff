import * as v from "valibot";
import type { CeleryAppProps } from "../constructs/celery-app-props.ts";
import {
  isOwnVariable,
  OWN_VARIABLES,
  type OwnVariable,
} from "../constructs/celery-environment.ts";
import type { ContainerRegistryProps } from "../constructs/container-registry.ts";
import type { DomainProps } from "../constructs/domain.ts";
import type { YdbDatabaseProps } from "../constructs/ydb-database.ts";

/** A value that lies in Lockbox already. */
export interface LockboxValueConfig {
  readonly secretId: string;
  /** @default - the version that is current when the stack is applied */
  readonly versionId?: string;
  /** Key of the entry in the secret. */
  readonly key: string;
}

/** A domain of the user's. */
export type DomainConfig = DomainProps;

/** The database of the results. */
export interface DatabaseConfig extends Pick<YdbDatabaseProps, "storageLimitGb"> {
  /** Whether the database refuses to be deleted. @default - true for the stage "production" */
  readonly deletionProtection?: boolean;
}

/** Props of `CeleryApp` that stand in `config.ts` as they are. */
type AppFields =
  | "queueKey"
  | "trigger"
  | "batchSize"
  | "batchCutoffSeconds"
  | "env"
  | "aliases"
  | "workerPath"
  | "web"
  | "worker"
  | "results"
  | "retentionDays"
  | "networkId"
  | "staticBucket"
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
  /** Variables whose values lie in Lockbox. */
  readonly secrets?: Readonly<Record<string, LockboxValueConfig>>;
  /** The database of the results. */
  readonly database?: DatabaseConfig;
  /**
   * The site's own domain with a Let's Encrypt certificate; `false` in a stage takes away the one
   * above it. @default - the gateway's own
   */
  readonly domain?: false | DomainConfig;
  /** Your own OpenAPI 3.0 file instead of the built-in routes. */
  readonly openapi?: string;
  /**
   * Values that are refused here although the cloud takes them, because they are newer than this
   * project's lists and limits, e.g. `["a_new_integration", 16384]`. The refusal names the list.
   *
   * @default - none
   */
  readonly accept?: readonly (string | number)[];
  /** Your cloud's quotas, where they were raised. */
  readonly quotas?: {
    /** @default 10 */
    readonly containers?: number;
  };
}

/** What `config.ts` exports. */
export interface Config extends StageConfig {
  /** First part of every cloud name: small letters, digits and hyphens. */
  readonly project: string;
  /** Where the Celery application is, e.g. "shop.celery:app". */
  readonly celeryApp: string;
  /** Stages by name, each with what differs from the rest. `--stage` takes only these. */
  readonly stages?: Readonly<Record<string, StageConfig>>;
}

const text = v.pipe(v.string(), v.nonEmpty("must not be empty"));

// Ids are 20 letters and digits today; the documents say no more than that they are at most 50.
const id = v.pipe(
  v.string(),
  v.regex(
    /^[a-z][a-z0-9]{1,49}$/,
    'must be an id: small letters and digits, e.g. "b1g0123456789abcdefg"',
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
    "must be 3 to 63 small letters, digits, hyphens and dots",
  ),
);

const container = v.strictObject({
  memoryMib: v.optional(v.number()),
  cores: v.optional(v.number()),
  coreFraction: v.optional(v.number()),
  concurrency: v.optional(v.number()),
  timeoutSeconds: v.optional(v.number()),
  minInstances: v.optional(v.number()),
  command: v.optional(v.array(text)),
});

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
  retentionDays: v.optional(v.number()),
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
  staticBucket: v.optional(bucket),
  schedule: v.optional(text),
  roles: v.optional(
    v.strictObject({ queueReader: v.optional(role), documentApi: v.optional(role) }),
  ),
  accept: v.optional(v.array(v.union([text, v.number()], "must be a text or a number"))),
  quotas: v.optional(v.strictObject({ containers: v.optional(v.number()) })),
};

const stageName = v.pipe(
  v.string(),
  v.regex(
    /^[a-z][a-z0-9-]{0,15}$/,
    "must be 1 to 16 small letters, digits and hyphens, a letter first",
  ),
  // The stage without a name keeps its state under this one.
  v.notValue("default", "must be another name: the stage without one is called so"),
);

/** The shape of `config.ts`, checked when it is loaded. */
export const configSchema = v.strictObject({
  ...stageEntries,
  project: v.pipe(
    v.string(),
    v.regex(
      /^[a-z][a-z0-9-]{0,28}[a-z0-9]$/,
      "must be 2 to 30 small letters, digits and hyphens, a letter first, no hyphen last",
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
