import * as v from "valibot";
import {
  type AppOutputs,
  appOutputsSchema,
  type QueueTriggerSpec,
  type TimerTriggerSpec,
} from "../../../stacks/outputs.ts";
import { readContainers, STATIC_BUCKET } from "./_containers.ts";
import { expectShape, type ResourceAttributes, TerraformDocument } from "./_terraform-document.ts";
import type {
  Blueprint,
  ContainerSpec,
  Endpoints,
  GatewaySpec,
  LocalTriggerSpec,
  QueueSpec,
  ReleaseSpec,
  TimerSpec,
} from "./blueprint.ts";
import { queueNameOf } from "./local-ids.ts";

// https://yandex.cloud/en/docs/message-queue/api-ref/queue/CreateQueue and the gateway's limits
const DEFAULTS = {
  visibility_timeout_seconds: 30,
  delay_seconds: 0,
  message_retention_seconds: 345_600,
  max_message_size: 262_144,
  receive_wait_time_seconds: 0,
} as const;
const DEFAULT_GATEWAY_TIMEOUT_SECONDS = 300;

/** Types of resources that the local cloud emulates, or that have no meaning on one machine. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  "terraform_data",
  "yandex_api_gateway",
  "yandex_container_registry_iam_binding",
  // The same triggers are in output `triggers`, whatever makes them.
  "yandex_function_trigger",
  "yandex_iam_service_account",
  "yandex_iam_service_account_static_access_key",
  "yandex_lockbox_secret",
  "yandex_lockbox_secret_iam_member",
  "yandex_lockbox_secret_version",
  "yandex_logging_group",
  "yandex_message_queue",
  "yandex_monitoring_dashboard",
  "yandex_resourcemanager_folder_iam_member",
  "yandex_serverless_container",
  "yandex_serverless_container_iam_binding",
  "yandex_storage_bucket_iam_binding",
  "yandex_ydb_database_iam_binding",
  "yandex_ydb_database_serverless",
]);

/**
 * What a synthesized stack says, with the addresses of local services in place of the cloud's.
 *
 * @param text content of cdktf.out/stacks/app/cdk.tf.json
 * @throws Error that names what is missing or not understood
 */
export function readStack(text: string, endpoints: Endpoints): Blueprint {
  const stack = new TerraformDocument(text, endpoints);
  const { table, ports, postgres, media, release: words } = readLocal(stack);
  const { containers, tasks, unknown } = readContainers(stack, endpoints);
  const { queues, fifo } = readQueues(stack);
  const triggers = Object.entries(readTriggers(stack));
  return {
    project: commonPrefix([...containers, ...queues].map(({ name }) => name)),
    queues,
    containers,
    releases: tasks.flatMap((container) => readReleases(container, words, endpoints)),
    queueTriggers: triggers.flatMap(([name, spec]) =>
      spec.kind === "queue" ? [renderQueueTrigger(name, spec)] : [],
    ),
    timers: triggers.flatMap(([name, spec]) =>
      spec.kind === "timer" ? [renderTimer(name, spec)] : [],
    ),
    gateways: readGateways(stack),
    table,
    ports,
    ...(postgres && { postgres }),
    ...(media && { media: media.bucket }),
    skipped: [...stack.types.filter((type) => !UNDERSTOOD.has(type)), ...unknown, ...fifo].sort(),
  };
}

/** What runs in the container of commands before the others start. */
function readReleases(
  container: ContainerSpec,
  words: readonly string[] | undefined,
  { buckets }: Endpoints,
): ReleaseSpec[] {
  const fills = buckets !== undefined && STATIC_BUCKET in container.environment;
  return [
    ...(words ? [{ field: "release" as const, words, container }] : []),
    ...(fills ? [{ field: "staticBucket" as const, words: ["upload-static"], container }] : []),
  ];
}

/** The services and the ports to try first, which have to be known before the rest can be read. */
export function readServices(
  text: string,
): Pick<Blueprint, "ports" | "table" | "postgres" | "media"> {
  const anywhere = "http://localhost";
  const endpoints = { queue: anywhere, tables: anywhere, site: anywhere };
  const { ports, table, postgres, media } = readLocal(new TerraformDocument(text, endpoints));
  return { ports, table, ...(postgres && { postgres }), ...(media && { media: media.bucket }) };
}

function readLocal(stack: TerraformDocument): AppOutputs["local"] {
  return expectShape(appOutputsSchema.entries.local, stack.output("local"), "output `local`");
}

function readTriggers(stack: TerraformDocument): AppOutputs["triggers"] {
  const triggers = stack.output("triggers") ?? {};
  return expectShape(appOutputsSchema.entries.triggers, triggers, "output `triggers`");
}

function renderQueueTrigger(name: string, spec: QueueTriggerSpec): LocalTriggerSpec {
  const { queueArn, containerId: container, path, batchSize, batchCutoffSeconds } = spec;
  return { name, queue: queueNameOf(queueArn), container, path, batchSize, batchCutoffSeconds };
}

function renderTimer(name: string, spec: TimerTriggerSpec): TimerSpec {
  const { cron, payload, containerId: container, path } = spec;
  return { name, cron, payload: payload ?? "", container, path };
}

const redriveSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ deadLetterTargetArn: v.string(), maxReceiveCount: v.pipe(v.unknown(), v.toNumber()) }),
);

const tagsSchema = v.record(v.string(), v.string());

/** Those first that others send their dead letters to. FIFO queues are not emulated. */
function readQueues(stack: TerraformDocument) {
  const attributes = [
    "name",
    "fifo_queue",
    "content_based_deduplication",
    "redrive_policy",
    "tags",
  ];
  const bodies = stack.resources("yandex_message_queue", [...attributes, ...Object.keys(DEFAULTS)]);
  return {
    queues: bodies
      .filter((body) => body.fifo_queue !== true)
      .map(renderQueue)
      .sort(
        (one, other) => Number(one.redrive !== undefined) - Number(other.redrive !== undefined),
      ),
    fifo: bodies
      .filter((body) => body.fifo_queue === true)
      .map(({ name }) => `yandex_message_queue with fifo_queue (${name})`),
  };
}

function renderQueue(body: ResourceAttributes): QueueSpec {
  const number = (attribute: keyof typeof DEFAULTS) =>
    Number(body[attribute] ?? DEFAULTS[attribute]);
  return {
    name: String(body.name),
    visibilityTimeoutSeconds: number("visibility_timeout_seconds"),
    delaySeconds: number("delay_seconds"),
    retentionSeconds: number("message_retention_seconds"),
    maxMessageBytes: number("max_message_size"),
    receiveWaitSeconds: number("receive_wait_time_seconds"),
    ...(body.redrive_policy !== undefined && { redrive: renderRedrive(body.redrive_policy) }),
    tags: expectShape(tagsSchema, body.tags ?? {}, "tags of a queue"),
  };
}

function renderRedrive(policy: unknown): QueueSpec["redrive"] {
  const { deadLetterTargetArn, maxReceiveCount } = expectShape(
    redriveSchema,
    policy,
    "redrive policy",
  );
  return { deadLetterQueue: queueNameOf(deadLetterTargetArn), maxReceiveCount };
}

function readGateways(stack: TerraformDocument): GatewaySpec[] {
  return stack
    .resources("yandex_api_gateway", ["name", "spec", "execution_timeout"])
    .map(({ name, spec, execution_timeout: timeout }) => ({
      name: String(name),
      spec: String(spec),
      timeoutSeconds: Number(timeout ?? DEFAULT_GATEWAY_TIMEOUT_SECONDS),
    }));
}

/** What all names begin with, up to a hyphen: `shop` of `shop-web` and `shop-tasks`. */
function commonPrefix(names: readonly string[]): string {
  const all = names.map((name) => name.split("-"));
  const [first = []] = all;
  const shared = first.slice(0, -1).findIndex((part, at) => all.some((n) => n[at] !== part));
  return first.slice(0, shared === -1 ? -1 : shared).join("-");
}
