/** Memory, processor and time of one container. */
export interface ContainerSettings {
  /** MiB, 128 to 8192 in steps of 128. */
  readonly memoryMib: number;
  /** Whole processors, 1 to 4. */
  readonly cores: number;
  /** Percent of a processor, 5 to 100 in steps of 5; 100 with more than one. */
  readonly coreFraction: number;
  /** Requests that one instance takes at once, 1 to 16. */
  readonly concurrency: number;
  /** Seconds, 1 to 3600. The gateway cuts a request of the site at 300 by default. */
  readonly timeoutSeconds: number;
  /** Instances that never sleep, 0 to 2 for the whole cloud. They are paid while idle. */
  readonly minInstances: number;
  /** Entry point and arguments, without a shell. */
  readonly command: readonly string[];
}

/** A value of the user's that lies in Lockbox already. */
export interface LockboxValue {
  readonly secretId: string;
  readonly versionId?: string;
  readonly key: string;
}

/** Where Terraform keeps the state. */
export type BackendSettings =
  | { readonly type: "local" }
  | {
      readonly type: "s3";
      readonly bucket: string;
      readonly prefix: string;
      readonly endpoint: string;
      readonly region: string;
    };

/** The site's own domain. */
export interface DomainSettings {
  readonly fqdn: string;
  /** `external`, or the Cloud DNS zone that holds the domain. */
  readonly dns: "external" | { readonly zoneId: string; readonly zone: string };
}

/** What one stage is made of: `config.ts` with the stage's overrides and every default filled in. */
export interface Settings {
  /** First part of every cloud name. */
  readonly project: string;
  /** `undefined` for the stage without a name. */
  readonly stage: string | undefined;
  readonly folderId: string | undefined;
  readonly backend: BackendSettings;
  /** Whose key creates queues: one made by the stack, or YC_MESSAGE_QUEUE_ACCESS_KEY/SECRET_KEY. */
  readonly queueKey: "stack" | "environment";
  /** What makes the triggers: the script (`yc` or the API), or Terraform. */
  readonly trigger: "yc" | "terraform";
  readonly batch: { readonly size: number; readonly cutoffSeconds: number };
  readonly image: {
    /** Folder with the sources, relative to the project. */
    readonly context: string;
    /** Relative to the context. */
    readonly dockerfile: string;
    /** Relative to the context; what `npm run local` installs. */
    readonly requirements: string;
  };
  readonly keepImages: number;
  readonly celeryApp: string;
  /** One container or two; with one, the path at which the worker view is mounted. */
  readonly workerPath: string | undefined;
  readonly web: ContainerSettings;
  readonly worker: ContainerSettings;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, LockboxValue>>;
  readonly results: { readonly table: string; readonly ttlSeconds: number };
  readonly database: { readonly storageLimitGb: number; readonly deletionProtection: boolean };
  readonly logRetentionDays: number;
  readonly networkId: string | undefined;
  readonly domain: DomainSettings | undefined;
  /** The user's own OpenAPI 3.0 file instead of the built-in routes. */
  readonly openapi: string | undefined;
  /** Bucket whose objects are served below /static/. */
  readonly staticBucket: string | undefined;
  /** Schedule file that `python -m celery_push_worker schedule` wrote. */
  readonly schedule: string | undefined;
  readonly roles: { readonly queueReader: string; readonly documentApi: string };
  readonly quotas: { readonly containers: number };
}
