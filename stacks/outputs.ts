import * as v from "valibot";
import { triggersSchema } from "../constructs/trigger-spec.ts";

export type { QueueTriggerSpec, TimerTriggerSpec } from "../constructs/trigger-spec.ts";

// What the stacks tell the commands and the local cloud: each output once, for whoever writes or
// reads it. Nothing of the framework is imported here, so that reading takes no time.

const recordSchema = v.object({ name: v.string(), type: v.string(), value: v.string() });

/** Outputs of the stack `registry`. */
export const registryOutputsSchema = v.object({
  registry_id: v.string(),
  /** `cr.yandex/<registry>/app` */
  repository: v.string(),
});

/** What the stack `registry` tells: where images are pushed to. */
export type RegistryOutputs = v.InferOutput<typeof registryOutputsSchema>;

/** Outputs of the stack `domain`. */
export const domainOutputsSchema = v.object({
  certificate_id: v.string(),
  /** VALIDATING, ISSUED, RENEWING, RENEWAL_FAILED, INVALID or REVOKED. */
  certificate_status: v.string(),
  /** Proof that the domain is yours; empty with Cloud DNS, where the stack creates it. */
  records: v.optional(v.array(recordSchema), []),
});

/** What the stack `domain` tells: how far the certificate is, and which record it needs. */
export type DomainOutputs = v.InferOutput<typeof domainOutputsSchema>;

/** Outputs of the stack `data`. */
export const dataOutputsSchema = v.object({
  /** The relational database, where there is one. */
  postgres: v.optional(v.object({ cluster_id: v.string(), network_id: v.string() })),
  /** Name of the bucket of uploads, where there is one. */
  media_bucket: v.optional(v.string()),
});

/** What the stack `data` tells: what outlives the app. */
export type DataOutputs = v.InferOutput<typeof dataOutputsSchema>;

const queue = { url: v.string(), deadLetterUrl: v.nullish(v.string()) };
const port = v.number();

/** Outputs of the stack `app`. */
export const appOutputsSchema = v.object({
  gateway: v.object({ id: v.string(), domain: v.string() }),
  /**
   * By role: `web`, `worker` unless the site mounts it, `worker-<queue>` of a queue that has its own,
   * `manage` where there is one.
   */
  containers: v.record(
    v.string(),
    v.object({ id: v.string(), image: v.string(), fingerprint: v.string() }),
  ),
  /** Celery's queue `default`, and further ones by their names in Celery. */
  queues: v.object({ ...queue, further: v.optional(v.record(v.string(), v.object(queue))) }),
  document_api_endpoint: v.string(),
  results_table: v.string(),
  /** Where commands of `manage.py` run, and who may run them. */
  manage: v.optional(v.object({ url: v.string(), caller: v.string() })),
  triggers: triggersSchema,
  /** What only a machine that has the sources can run. */
  local: v.object({
    /** By role. Paths other than `source` are relative to it. */
    containers: v.record(
      v.string(),
      v.object({
        source: v.string(),
        dockerfile: v.string(),
        requirements: v.optional(v.string()),
        workdir: v.optional(v.string()),
        command: v.nullish(v.array(v.string())),
      }),
    ),
    table: v.string(),
    /** The relational database, where there is one: a major version, and its names. */
    postgres: v.optional(v.object({ version: v.number(), database: v.string(), user: v.string() })),
    /** The bucket of uploads, where there is one. */
    media: v.optional(v.object({ bucket: v.string() })),
    /** The words of the command of `manage.py` that runs before the containers start. */
    release: v.optional(v.array(v.string())),
    /** Tried first, and then the next ones. */
    ports: v.object({
      ...{ site: port, queue: port, tables: port },
      ...{ postgres: v.optional(port), storage: v.optional(port) },
    }),
  }),
  /** The site's own domain, where one is set. */
  domain: v.optional(
    v.object({
      fqdn: v.string(),
      /** Whether the gateway answers to it yet. */
      attached: v.boolean(),
      /** Of the certificate. */
      status: v.string(),
      records: v.array(recordSchema),
    }),
  ),
  /** Address of the dashboard, where there is one. */
  dashboard: v.optional(v.string()),
  /** For a person: what remains after a bare `cdktf deploy`. */
  next_steps: v.array(v.string()),
  /** The site's address: its own domain once that is attached, else the gateway's. */
  url: v.string(),
});

/** What the stack `app` tells whoever deploys, checks, runs locally or destroys it. */
export type AppOutputs = v.InferOutput<typeof appOutputsSchema>;
