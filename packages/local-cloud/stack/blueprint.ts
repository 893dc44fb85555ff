import type { QueueTriggerSpec, TimerTriggerSpec } from "../../../stacks/outputs.ts";

/** Environment variables by name. */
export type Variables = Readonly<Record<string, string>>;

/** What a synthesized stack says, in the words of what runs. Names are the cloud's names. */
export interface Blueprint {
  /** The project, as the prefix of every name. */
  readonly project: string;
  readonly queues: readonly QueueSpec[];
  readonly containers: readonly ContainerSpec[];
  /** Commands that run before the containers start, one after the other. */
  readonly releases: readonly ReleaseSpec[];
  readonly queueTriggers: readonly LocalTriggerSpec[];
  readonly timers: readonly TimerSpec[];
  readonly gateways: readonly GatewaySpec[];
  /** The table of results that is there at start. */
  readonly table: string;
  /** The ports to try first. */
  readonly ports: Ports;
  /** The relational database, where there is one. */
  readonly postgres?: PostgresSpec;
  /** The bucket of uploads, where there is one. */
  readonly media?: string;
  /** Types of resources that are not emulated, each once, sorted. */
  readonly skipped: readonly string[];
}

/** Ports by service. */
export interface Ports {
  readonly site: number;
  readonly queue: number;
  readonly tables: number;
  readonly postgres?: number | undefined;
  readonly storage?: number | undefined;
}

/** A PostgreSQL with one database. */
export interface PostgresSpec {
  /** Major version. */
  readonly version: number;
  readonly database: string;
  /** The database's owner. */
  readonly user: string;
}

/** Where the local services listen, known before the stack is read: its texts hold their addresses. */
export interface Endpoints {
  /** Without a slash at the end: `http://localhost:9324`. */
  readonly queue: string;
  readonly tables: string;
  readonly site: string;
  /** Host and port: `127.0.0.1:5432`. @default - the user has a database elsewhere */
  readonly postgres?: string | undefined;
  /** S3, as a URL. @default - the stack has no bucket of uploads */
  readonly storage?: string | undefined;
  /** Folder with the buckets of static files, as a URL. @default - nothing fills them */
  readonly buckets?: string | undefined;
}

/** A queue with all its settings. Ranges are those of Yandex Message Queue. */
export interface QueueSpec {
  readonly name: string;
  /** 0-43,200. */
  readonly visibilityTimeoutSeconds: number;
  /** 0-900. */
  readonly delaySeconds: number;
  /** 60-1,209,600. */
  readonly retentionSeconds: number;
  /** 1,024-262,144. */
  readonly maxMessageBytes: number;
  /** 0-20. */
  readonly receiveWaitSeconds: number;
  readonly redrive?: { readonly deadLetterQueue: string; readonly maxReceiveCount: number };
  readonly tags: Readonly<Record<string, string>>;
}

/** A container whose sources are on this machine. */
export interface ContainerSpec {
  readonly name: string;
  /** Folder of the sources, relative to the project's root. */
  readonly source: string;
  /** Relative to `source`. @default - what is found there */
  readonly requirements?: string;
  /** Folder in which the command runs, relative to `source`. @default - where the code is found */
  readonly workdir?: string;
  /** Relative to `source`. */
  readonly dockerfile: string;
  readonly command: readonly string[];
  /** With local addresses in place of the cloud's; without `PORT`. */
  readonly environment: Variables;
  /** Environment variables whose value is a secret of the cloud: from `.env.local`, or made up. */
  readonly secrets: readonly string[];
  /** Those of `secrets` that lie in a Lockbox of the user's, so that nothing can make them up. */
  readonly foreignSecrets: readonly string[];
  /** Requests that one instance takes at once. */
  readonly concurrency: number;
  readonly timeoutSeconds: number;
  readonly memoryMib: number;
  /** Answers below 500 once the container is ready; without it an open port is enough. */
  readonly healthPath?: string;
}

/** A command of `manage.py`, and the container that runs it. */
export interface ReleaseSpec {
  readonly container: ContainerSpec;
  /** Come after the container's own command. */
  readonly words: readonly string[];
  /** What it comes from in config.ts. */
  readonly field: "release" | "staticBucket";
}

/** What hands the messages of a queue to a container. */
export interface LocalTriggerSpec
  extends Pick<QueueTriggerSpec, "path" | "batchSize" | "batchCutoffSeconds"> {
  readonly name: string;
  readonly queue: string;
  readonly container: string;
}

/** What calls a container on a schedule. */
export interface TimerSpec extends Pick<TimerTriggerSpec, "cron" | "path"> {
  readonly name: string;
  readonly payload: string;
  readonly container: string;
}

/** A gateway and what it serves. */
export interface GatewaySpec {
  readonly name: string;
  /** The OpenAPI text, `container_id` being a container's name and `bucket` a bucket's. */
  readonly spec: string;
  readonly timeoutSeconds: number;
}
