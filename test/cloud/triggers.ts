import { createHash } from "node:crypto";
import { CloudError } from "./errors.ts";
import type { Cloud, Trigger } from "./state.ts";

export type TriggerFields = Pick<Trigger, "name" | "description" | "labels" | "rule">;

const NAME = /^[a-z][-a-z0-9]{1,61}[a-z0-9]$/;
const TRIGGERS_PER_CLOUD = 100;

/** Makes a trigger, refusing what the service refuses: one rule for `yc`, REST and Terraform. */
export function createTrigger(cloud: Cloud, folderId: string, fields: TriggerFields): Trigger {
  if (Object.keys(cloud.triggers).length >= TRIGGERS_PER_CLOUD) {
    throw new CloudError("ResourceExhausted", "Quota limit serverless.triggers.count exceeded");
  }
  const id = `a1s${createHash("sha256").update(`${cloud.tick} ${fields.name}`).digest("hex").slice(0, 17)}`;
  const trigger: Trigger = { id, folder_id: folderId, ...compact(fields), status: "ACTIVE" };
  checkTrigger(cloud, trigger);
  cloud.triggers[id] = trigger;
  return trigger;
}

export function updateTrigger(cloud: Cloud, id: string, fields: Partial<TriggerFields>): Trigger {
  const old = getTrigger(cloud, id);
  const { status, ...rest } = { ...old, ...fields };
  const trigger: Trigger = { ...compact(rest), status };
  checkTrigger(cloud, trigger);
  cloud.triggers[id] = trigger;
  return trigger;
}

export function setTriggerStatus(cloud: Cloud, id: string, status: Trigger["status"]): Trigger {
  const trigger = getTrigger(cloud, id);
  trigger.status = status;
  return trigger;
}

export function deleteTrigger(cloud: Cloud, id: string): void {
  getTrigger(cloud, id);
  delete cloud.triggers[id];
}

export function getTrigger(cloud: Cloud, id: string): Trigger {
  const trigger = cloud.triggers[id];
  if (!trigger) throw new CloudError("NotFound", `Trigger ${id} not found`);
  return trigger;
}

function checkTrigger(cloud: Cloud, trigger: Trigger): void {
  const others = Object.values(cloud.triggers).filter(({ id }) => id !== trigger.id);
  refuse(!NAME.test(trigger.name), `Invalid trigger name: '${trigger.name}'`);
  refuse((trigger.description ?? "").length > 500, "Trigger description is too long");
  if (others.some((o) => o.name === trigger.name && o.folder_id === trigger.folder_id)) {
    throw new CloudError("AlreadyExists", `Trigger with name ${trigger.name} already exists`);
  }
  const { message_queue: queue, timer } = trigger.rule;
  refuse((queue === undefined) === (timer === undefined), "Exactly one rule must be given");
  if (queue) checkQueueRule(cloud, queue, others);
  if (timer) checkTimerRule(cloud, timer);
}

function checkQueueRule(
  cloud: Cloud,
  rule: NonNullable<Trigger["rule"]["message_queue"]>,
  others: readonly Trigger[],
): void {
  const size = Number(rule.batch_settings?.size);
  const cutoff = seconds(rule.batch_settings?.cutoff);
  refuse(!(size >= 0 && size <= 1000), "Batch size must be between 0 and 1000");
  refuse(!(cutoff >= 0 && cutoff <= 60), "Batch cutoff must be between 0s and 60s");
  refuse(rule.queue_id.endsWith(".fifo"), "FIFO queues are not supported by triggers");
  if (!Object.values(cloud.queues).some(({ arn }) => arn === rule.queue_id)) {
    throw new CloudError("NotFound", `Queue ${rule.queue_id} not found`);
  }
  checkAccount(cloud, rule.service_account_id);
  checkTarget(cloud, rule.invoke_container);
  if (others.some(({ rule: other }) => other.message_queue?.queue_id === rule.queue_id)) {
    throw new CloudError("AlreadyExists", `Trigger for queue ${rule.queue_id} already exists`);
  }
}

function checkTimerRule(cloud: Cloud, rule: NonNullable<Trigger["rule"]["timer"]>): void {
  const retry = rule.invoke_container_with_retry?.retry_settings;
  refuse(!isCron(rule.cron_expression), `Invalid cron expression: '${rule.cron_expression}'`);
  refuse((rule.payload ?? "").length > 4096, "Payload must be at most 4096 characters");
  if (retry) {
    const attempts = Number(retry.retry_attempts);
    const interval = seconds(retry.interval);
    refuse(!(attempts >= 1 && attempts <= 5), "Retry attempts must be between 1 and 5");
    refuse(!(interval >= 10 && interval <= 60), "Retry interval must be between 10s and 1m");
  }
  checkTarget(cloud, rule.invoke_container_with_retry);
}

function checkTarget(
  cloud: Cloud,
  target: { container_id: string; service_account_id: string } | undefined,
): void {
  if (!target) throw new CloudError("InvalidArgument", "Exactly one action must be given");
  if (!cloud.containers[target.container_id]) {
    throw new CloudError("NotFound", `Container ${target.container_id} not found`);
  }
  if (target.service_account_id) checkAccount(cloud, target.service_account_id);
}

function checkAccount(cloud: Cloud, id: string): void {
  if (!cloud.accounts[id]) throw new CloudError("NotFound", `Service account ${id} not found`);
}

// Day of month and day of week cannot both be filled: one of them is `?`.
function isCron(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  const [, , monthDay, , weekDay] = fields;
  return (
    (fields.length === 5 || fields.length === 6) &&
    fields.every((field) => /^[\w*,/?#-]+$/.test(field)) &&
    (monthDay === "?") !== (weekDay === "?")
  );
}

function seconds(duration: string | undefined): number {
  return /^[0-9.]+s$/.test(duration ?? "") ? Number(duration?.slice(0, -1)) : Number.NaN;
}

function refuse(condition: boolean, message: string): void {
  if (condition) throw new CloudError("InvalidArgument", message);
}

/** The wire drops what is empty, at any depth. */
export function compact<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item) => compact(item)) as T;
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .map(([key, item]) => [key, compact(item)] as const)
    .filter(([, item]) => !isEmpty(item));
  return Object.fromEntries(kept) as T;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
