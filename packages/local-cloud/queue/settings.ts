import type { QueueSpec } from "../stack/blueprint.ts";
import { queueArn, queueNameOf, REGION } from "../stack/local-ids.ts";
import { parseObject } from "../support/json.ts";
import { QueueError } from "./errors.ts";
import {
  DEFAULT_RETENTION_SECONDS,
  DEFAULT_VISIBILITY_SECONDS,
  MAX_DELAY_SECONDS,
  MAX_MESSAGE_BYTES,
  MAX_RECEIVE_COUNT,
  MAX_RETENTION_SECONDS,
  MAX_TAGS,
  MAX_VISIBILITY_SECONDS,
  MAX_WAIT_SECONDS,
  MIN_MESSAGE_LIMIT_BYTES,
  MIN_RETENTION_SECONDS,
} from "./limits.ts";

const NAME = /^(?=.{1,80}$)[0-9A-Za-z_-]+(\.fifo)?$/;
const ARN = new RegExp(`^yrn:yc:ymq:${REGION}:[^:]+:[^:]+$`);
const TAG_KEY = /^[a-z][a-z0-9_-]{0,62}$/;
const TAG_VALUE = /^[a-z0-9_-]{1,63}$/;

type NumberField =
  | "delaySeconds"
  | "maxMessageBytes"
  | "retentionSeconds"
  | "receiveWaitSeconds"
  | "visibilityTimeoutSeconds";

/** Settings by their names in both protocols, with their ranges. */
const NUMBERS: Readonly<Record<string, readonly [NumberField, min: number, max: number]>> = {
  DelaySeconds: ["delaySeconds", 0, MAX_DELAY_SECONDS],
  MaximumMessageSize: ["maxMessageBytes", MIN_MESSAGE_LIMIT_BYTES, MAX_MESSAGE_BYTES],
  MessageRetentionPeriod: ["retentionSeconds", MIN_RETENTION_SECONDS, MAX_RETENTION_SECONDS],
  ReceiveMessageWaitTimeSeconds: ["receiveWaitSeconds", 0, MAX_WAIT_SECONDS],
  VisibilityTimeout: ["visibilityTimeoutSeconds", 0, MAX_VISIBILITY_SECONDS],
};

/** The settings of a queue that states nothing but its name. */
export function defaultSettings(name: string): QueueSpec {
  return {
    name,
    visibilityTimeoutSeconds: DEFAULT_VISIBILITY_SECONDS,
    delaySeconds: 0,
    retentionSeconds: DEFAULT_RETENTION_SECONDS,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    receiveWaitSeconds: 0,
    tags: {},
  };
}

/** Rejects a name that the cloud would reject, and a FIFO queue. */
export function checkName(name: string, fifoAttribute: string | undefined): void {
  if (!NAME.test(name)) throw new QueueError("InvalidParameterValue", "Invalid queue name.");
  if (name.endsWith(".fifo") || fifoAttribute === "true") {
    throw new QueueError(
      "AWS.SimpleQueueService.UnsupportedOperation",
      `FIFO queues are not emulated: ${name} works in the cloud only, where no trigger reads it.`,
    );
  }
}

/** The settings with these attributes changed, which come as both protocols write them. */
export function changeSettings(
  spec: QueueSpec,
  attributes: Readonly<Record<string, string>>,
): QueueSpec {
  return Object.entries(attributes).reduce(
    (changed, [name, value]) => changeSetting(changed, name, value),
    spec,
  );
}

function changeSetting(spec: QueueSpec, name: string, value: string): QueueSpec {
  const range = NUMBERS[name];
  if (range) return { ...spec, [range[0]]: parseNumber(name, value, range[1], range[2]) };
  if (name === "RedrivePolicy") return { ...spec, redrive: parseRedrive(value, spec) };
  throw new QueueError("InvalidAttributeName", `Unknown Attribute ${name}.`);
}

function parseNumber(name: string, value: string, min: number, max: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= min && number <= max) return number;
  throw invalid(name, `Valid values are from ${min} to ${max} both inclusive.`);
}

function invalid(name: string, why: string): QueueError {
  return new QueueError("InvalidAttributeValue", `Invalid value for the parameter ${name}. ${why}`);
}

function parseRedrive(text: string, { name }: QueueSpec): QueueSpec["redrive"] {
  if (text === "") return undefined;
  const wrong = (why: string) => new QueueError("InvalidParameterValue", why);
  const { deadLetterTargetArn: arn, maxReceiveCount } = parseObject(text) ?? {};
  const count = Number(maxReceiveCount);
  if (typeof arn !== "string" || maxReceiveCount === undefined) {
    throw wrong("RedrivePolicy attribute is ill-constructed.");
  }
  if (!Number.isInteger(count)) throw wrong("Failed to parse maxReceiveCount as an integer.");
  if (count < 1 || count > MAX_RECEIVE_COUNT) {
    throw wrong(`maxReceiveCount must be greater than 0 and less than ${MAX_RECEIVE_COUNT + 1}.`);
  }
  if (!ARN.test(arn)) throw wrong("Invalid deadLetterTargetArn.");
  if (arn.endsWith(".fifo")) {
    throw wrong("Target dead letter queue should have the same type as source queue.");
  }
  const deadLetterQueue = queueNameOf(arn);
  if (deadLetterQueue === name) {
    throw wrong("Using the queue itself as a dead letter queue is not allowed.");
  }
  return { deadLetterQueue, maxReceiveCount: count };
}

/** The settings as attributes, as both protocols write them. */
export function describeSettings(spec: QueueSpec): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [name, [field]] of Object.entries(NUMBERS)) attributes[name] = String(spec[field]);
  if (spec.redrive) {
    // The provider compares this text, so its keys are in order and the count is a number.
    attributes.RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: queueArn(spec.redrive.deadLetterQueue),
      maxReceiveCount: spec.redrive.maxReceiveCount,
    });
  }
  return attributes;
}

/** Rejects tags that the cloud would reject. */
export function checkTags(tags: Readonly<Record<string, string>>): void {
  const entries = Object.entries(tags);
  if (entries.length > MAX_TAGS) {
    throw new QueueError("InvalidParameterValue", "Too many tags added for queue");
  }
  for (const [key, value] of entries) {
    if (TAG_KEY.test(key) && TAG_VALUE.test(value)) continue;
    throw new QueueError(
      "InvalidParameterValue",
      `Tag ${key}: keys and values are 1 to 63 lowercase letters, digits, dashes and underscores, and a key begins with a letter.`,
    );
  }
}

/** Whether two queues of one name have the same settings and tags. */
export function areSame(one: QueueSpec, other: QueueSpec): boolean {
  const same = (a: object, b: object) =>
    JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
  return same(describeSettings(one), describeSettings(other)) && same(one.tags, other.tags);
}
