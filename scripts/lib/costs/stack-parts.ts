import * as v from "valibot";
import { triggersSchema } from "../../../constructs/trigger-spec.ts";
import { parseObject } from "../../../packages/local-cloud/support/json.ts";
import { nextTime, parseCron } from "../../../packages/local-cloud/trigger/cron.ts";
import { UserError } from "../shell/user-error.ts";
import { HOURS_A_MONTH } from "./prices.ts";

/** A container, as far as it costs something. */
export interface ContainerPart {
  /** `web`, `worker`, `worker-<queue>` or `manage`. */
  readonly role: string;
  readonly name: string;
  readonly memoryGb: number;
  /** vCPU, with the guaranteed share in it: half a core at 50 %. */
  readonly cores: number;
  /** Instances that are always ready. */
  readonly ready: number;
}

/** A timer, and whom it calls how often. */
export interface TimerPart {
  readonly role: string;
  /** In a month of 30 days. */
  readonly calls: number;
}

/** A host of PostgreSQL. */
export interface PostgresPart {
  readonly hostClass: string;
  readonly hosts: number;
  readonly diskGb: number;
  readonly diskType: string;
}

/** What there is in a stage, by its synthesized stacks. */
export interface StackParts {
  readonly containers: readonly ContainerPart[];
  readonly timers: readonly TimerPart[];
  /** Names of all queues, those of dead letters too. */
  readonly queues: readonly string[];
  readonly gateway: string;
  /** Secrets in Lockbox that the stack makes; each has one version. */
  readonly secrets: number;
  readonly postgres: readonly PostgresPart[];
}

const MONTH_MS = HOURS_A_MONTH * 3_600_000;
const MB_A_GB = 1024;

const named = v.optional(v.record(v.string(), v.object({ name: v.string() })), {});
const reference = v.object({ id: v.string() });

const schema = v.object({
  resource: v.object({
    yandex_serverless_container: v.record(
      v.string(),
      v.object({
        name: v.string(),
        memory: v.number(),
        cores: v.optional(v.number(), 1),
        core_fraction: v.optional(v.number(), 100),
        provision_policy: v.optional(v.object({ min_instances: v.number() })),
      }),
    ),
    yandex_message_queue: named,
    yandex_lockbox_secret: named,
    yandex_api_gateway: named,
  }),
  output: v.object({
    containers: v.object({ value: v.record(v.string(), reference) }),
    triggers: v.object({ value: triggersSchema }),
  }),
});

const dataSchema = v.object({
  resource: v.object({
    yandex_mdb_postgresql_cluster: v.optional(
      v.record(
        v.string(),
        v.object({
          host: v.array(v.unknown()),
          config: v.object({
            resources: v.object({
              resource_preset_id: v.string(),
              disk_size: v.number(),
              disk_type_id: v.string(),
            }),
          }),
        }),
      ),
      {},
    ),
  }),
});

/**
 * What there is in a stage.
 *
 * @param app text of the synthesized stack `app`
 * @param data text of the stack `data`, where there is one
 * @throws UserError if a text is not what this version writes
 */
export function readParts(app: string, data?: string): StackParts {
  const { resource, output } = parse(schema, app, "app");
  const roles = Object.entries(output.containers.value);
  // An output names a container by reference: ${yandex_serverless_container.<key>.id}
  const roleOf = (id: string) => roles.find(([, other]) => other.id === id)?.[0] ?? "";
  const triggers = Object.values(output.triggers.value);
  return {
    containers: Object.entries(resource.yandex_serverless_container).map(([key, it]) => ({
      role: roleOf(`\${yandex_serverless_container.${key}.id}`),
      name: it.name,
      memoryGb: it.memory / MB_A_GB,
      cores: (it.cores * it.core_fraction) / 100,
      ready: it.provision_policy?.min_instances ?? 0,
    })),
    timers: triggers.flatMap((trigger) =>
      trigger.kind === "timer"
        ? [{ role: roleOf(trigger.containerId), calls: callsOf(trigger.cron) }]
        : [],
    ),
    queues: Object.values(resource.yandex_message_queue).map(({ name }) => name),
    gateway: Object.values(resource.yandex_api_gateway)[0]?.name ?? "",
    secrets: Object.keys(resource.yandex_lockbox_secret).length,
    postgres: data === undefined ? [] : readPostgres(data),
  };
}

/** How often a timer fires in 30 days. */
export function callsOf(cron: string): number {
  const schedule = parseCron(cron);
  const from = Date.UTC(2026, 5, 1);
  let calls = 0;
  for (let at = nextTime(schedule, from - 1); at !== undefined && at < from + MONTH_MS; ) {
    calls += 1;
    at = nextTime(schedule, at);
  }
  return calls;
}

function readPostgres(data: string): PostgresPart[] {
  const { resource } = parse(dataSchema, data, "data");
  return Object.values(resource.yandex_mdb_postgresql_cluster).map(({ host, config }) => ({
    hostClass: config.resources.resource_preset_id,
    hosts: host.length,
    diskGb: config.resources.disk_size,
    diskType: config.resources.disk_type_id,
  }));
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  stack: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, parseObject(text));
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new UserError(
    `The synthesized stack ${stack} cannot be read (${v.getDotPath(issue) ?? "the whole"}: ${issue.message}). Run \`npm run synth\`; it must be this project's.`,
  );
}
