import type { Cloud, Queue } from "../../state.ts";
import {
  type Behaviour,
  type Call,
  type DataSource,
  found,
  newId,
  serviceUrl,
} from "../behaviour.ts";
import { type Attributes, isUnknown, text } from "../values.ts";
import { hasRole } from "./grants.ts";

const CREATORS = ["ymq.admin", "ymq.writer", "editor", "admin"];
const REGION = "ru-central1";

/** Attribute of the resource, its name in the queue service, its range. */
const NUMBERS = [
  ["delay_seconds", "DelaySeconds", 0, 900],
  ["max_message_size", "MaximumMessageSize", 1024, 262144],
  ["message_retention_seconds", "MessageRetentionPeriod", 60, 1209600],
  ["receive_wait_time_seconds", "ReceiveMessageWaitTimeSeconds", 0, 20],
  ["visibility_timeout_seconds", "VisibilityTimeout", 0, 43200],
] as const;

export const queue: Behaviour = {
  half: "sdk",
  defaults: {
    delay_seconds: 0,
    max_message_size: 262144,
    message_retention_seconds: 345600,
    receive_wait_time_seconds: 0,
    visibility_timeout_seconds: 30,
    fifo_queue: false,
    content_based_deduplication: false,
    region_id: REGION,
  },
  replaceOn: ["name", "name_prefix", "fifo_queue", "region_id"],
  normalise: { redrive_policy: sortedJson },
  check: checkQueue,
  create(call, planned) {
    authorize(call, planned);
    const name = queueName(call, planned);
    const attributes = queueAttributes(planned);
    checkDeadLetters(call.cloud, attributes);
    const existing = Object.entries(call.cloud.queues).find(([, it]) => it.name === name);
    if (existing && !sameAttributes(existing[1].attributes, attributes)) {
      serviceError("QueueNameExists", `queue ${name} exists with other attributes`);
    }
    const id = existing?.[0] ?? newUrl(call, name);
    const arn = `yrn:yc:ymq:${REGION}:${call.settings.folderId}:${name}`;
    const made = { name, arn, folderId: call.settings.folderId, attributes };
    call.cloud.queues[id] ??= made;
    return { state: { ...planned, ...readBack(made), id } };
  },
  // A key that lost its rights looks to the provider like a queue that is gone.
  read(call, state) {
    const kept = call.cloud.queues[text(state.id)];
    return kept && mayUse(call, state) ? readBack(kept) : null;
  },
  import: (_call, id) => ({ id }),
  update(call, _prior, planned) {
    authorize(call, planned);
    const kept = found(call.cloud.queues[text(planned.id)], "Queue");
    const attributes = queueAttributes(planned);
    checkDeadLetters(call.cloud, attributes);
    kept.attributes = attributes;
    return { state: { ...planned, ...readBack(kept) } };
  },
  remove(call, state) {
    authorize(call, state);
    delete call.cloud.queues[text(state.id)];
  },
};

export const queueData: DataSource = (call, config) => {
  authorize(call, config);
  const entry = Object.entries(call.cloud.queues).find(([, it]) => it.name === config.name);
  if (!entry) serviceError("NonExistentQueue", `queue ${text(config.name)} does not exist`);
  const [url, { arn }] = entry;
  return { id: url, url, arn, region_id: config.region_id ?? REGION };
};

function checkQueue(config: Attributes): string[] {
  const wrong = NUMBERS.filter(([name, , min, max]) => {
    const value = config[name];
    return typeof value === "number" && (value < min || value > max);
  });
  const { name } = config;
  return [
    ...wrong.map(
      ([field, , min, max]) =>
        `expected ${field} to be in the range (${min} - ${max}), got ${text(config[field])}`,
    ),
    ...(typeof name === "string" && !/^[0-9A-Za-z-_]{1,80}(\.fifo)?$/.test(name)
      ? [`only alphanumeric characters and hyphens allowed in "name", got ${name}`]
      : []),
    ...(typeof name === "string" && name.endsWith(".fifo") !== (config.fifo_queue === true)
      ? [`a FIFO queue's name ends with .fifo and no other's does, got ${name}`]
      : []),
  ];
}

function authorize(call: Call, attributes: Attributes): void {
  const { accessKey, secretKey } = keyOf(call, attributes);
  if (!accessKey || !secretKey) {
    throw new Error(
      "Error: message queue access key and secret key must be given on the resource, the provider or in the environment",
    );
  }
  const key = call.cloud.keys[accessKey];
  if (key ? key.secret !== secretKey : attributes.access_key) {
    serviceError("InvalidClientTokenId", `the access key ${accessKey} is not valid`);
  }
  if (!mayUse(call, attributes)) {
    throw new Error("AccessDeniedException: Access to the queue is denied, status code: 403");
  }
}

// A key from the environment that the cloud never made is taken as the user's own.
function mayUse(call: Call, attributes: Attributes): boolean {
  const key = call.cloud.keys[keyOf(call, attributes).accessKey ?? ""];
  const targets = [`folder:${call.settings.folderId}`];
  return !key || hasRole(call.cloud, key.accountId, CREATORS, targets);
}

function keyOf({ settings }: Call, attributes: Attributes) {
  const own = attributes.access_key || attributes.secret_key;
  return own
    ? { accessKey: text(attributes.access_key), secretKey: text(attributes.secret_key) }
    : { accessKey: settings.queueKey?.accessKey, secretKey: settings.queueKey?.secretKey };
}

function queueName(call: Call, planned: Attributes): string {
  if (!isUnknown(planned.name) && planned.name) return text(planned.name);
  return `${text(planned.name_prefix) || "terraform-"}${newId(call, "", "name")}`;
}

function newUrl(call: Call, name: string): string {
  const base = serviceUrl(call.settings, "message-queue", "message-queue.api.cloud.yandex.net");
  return `${base}/${call.settings.cloudId || "b1gcloud"}/${newId(call, "dj6", name)}/${name}`;
}

function queueAttributes(planned: Attributes): Record<string, string> {
  const numbers = NUMBERS.map(([name, attribute]) => [attribute, text(planned[name])]);
  const policy = text(planned.redrive_policy);
  return {
    ...Object.fromEntries(numbers),
    ...(policy ? { RedrivePolicy: storedPolicy(policy) } : {}),
    ...(planned.fifo_queue ? { FifoQueue: "true" } : {}),
    ...(planned.content_based_deduplication ? { ContentBasedDeduplication: "true" } : {}),
  };
}

function readBack({ name, arn, attributes }: Queue): Attributes {
  const numbers = NUMBERS.map(([field, attribute]) => [field, Number(attributes[attribute] ?? 0)]);
  return {
    ...Object.fromEntries(numbers),
    ...{ name, arn, region_id: arn.split(":")[3] ?? REGION },
    redrive_policy: attributes.RedrivePolicy ?? null,
    fifo_queue: attributes.FifoQueue === "true",
    content_based_deduplication: attributes.ContentBasedDeduplication === "true",
  };
}

// The cloud keeps the receive count as a number and answers compact JSON in the order of the alphabet.
function storedPolicy(policy: string): string {
  const parsed = JSON.parse(policy) as Record<string, unknown>;
  return sortedJson(JSON.stringify({ ...parsed, maxReceiveCount: Number(parsed.maxReceiveCount) }));
}

function checkDeadLetters(cloud: Cloud, attributes: Record<string, string>): void {
  if (!attributes.RedrivePolicy) return;
  const { deadLetterTargetArn: arn } = JSON.parse(attributes.RedrivePolicy);
  const target = Object.values(cloud.queues).find((it) => it.arn === arn);
  if (!target) serviceError("InvalidParameterValue", `dead letter queue ${arn} does not exist`);
  if (target.attributes.FifoQueue !== attributes.FifoQueue) {
    serviceError("InvalidParameterValue", `dead letter queue ${arn} is of the other kind`);
  }
}

function sortedJson(json: string): string {
  const parsed = JSON.parse(json) as Record<string, unknown>;
  return JSON.stringify(
    Object.fromEntries(Object.entries(parsed).sort(([a], [b]) => a.localeCompare(b))),
  );
}

function sameAttributes(a: Record<string, string>, b: Record<string, string>): boolean {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => a[key] === b[key]);
}

function serviceError(code: string, message: string): never {
  throw new Error(`AWS.SimpleQueueService.${code}: ${message}, status code: 400`);
}
