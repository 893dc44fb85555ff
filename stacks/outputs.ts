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

const port = v.number();

/** Outputs of the stack `app`. */
export const appOutputsSchema = v.object({
  gateway: v.object({ id: v.string(), domain: v.string() }),
  /** By role: `web`, and `worker` unless the site mounts it. */
  containers: v.record(
    v.string(),
    v.object({ id: v.string(), image: v.string(), fingerprint: v.string() }),
  ),
  queues: v.object({ url: v.string(), deadLetterUrl: v.nullish(v.string()) }),
  document_api_endpoint: v.string(),
  results_table: v.string(),
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
    /** Tried first, and then the next ones. */
    ports: v.object({ site: port, queue: port, tables: port }),
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
  /** For a person: what remains after a bare `cdktf deploy`. */
  next_steps: v.array(v.string()),
  /** The site's address: its own domain once that is attached, else the gateway's. */
  url: v.string(),
});

/** What the stack `app` tells whoever deploys, checks, runs locally or destroys it. */
export type AppOutputs = v.InferOutput<typeof appOutputsSchema>;
