import type { Cloud, Trigger } from "../../state.ts";
import {
  type Behaviour,
  type Call,
  CREATED_AT,
  fail,
  folderOf,
  found,
  newId,
  refuseTakenName,
} from "../behaviour.ts";
import { type Attributes, elements, only, text } from "../values.ts";

const TARGETS = ["function", "container", "workflow"];
const SOURCES = [
  ...["iot", "message_queue", "object_storage", "container_registry", "timer", "log_group"],
  ...["logging", "data_streams", "mail"],
];

export const trigger: Behaviour = {
  half: "sdk",
  replaceOn: ["folder_id"],
  // Only adding or removing a block replaces the trigger; what is inside changes in place.
  replaces: (prior, planned) =>
    [...TARGETS, ...SOURCES].filter(
      (name) => elements(prior[name]).length !== elements(planned[name]).length,
    ),
  check(config) {
    const targets = TARGETS.filter((name) => only(config[name])).length;
    const sources = SOURCES.filter((name) => only(config[name])).length;
    return [
      ...(targets === 1 ? [] : [`exactly one of ${TARGETS.join(", ")} must be specified`]),
      ...(sources === 1 ? [] : [`exactly one of ${SOURCES.join(", ")} must be specified`]),
    ];
  },
  create(call, planned) {
    const folderId = folderOf(call, planned);
    const name = text(planned.name);
    const id = newId(call, "a1s", name);
    refuseTakenName(byName(call.cloud), name, folderId, "Trigger");
    const rule = ruleOf(call, id, planned);
    call.cloud.triggers[id] = { id, folder_id: folderId, name, rule, status: "ACTIVE" };
    const own = { id, folder_id: folderId, created_at: CREATED_AT };
    return { state: { ...planned, ...own, ...sourceOf(rule, planned) } };
  },
  read({ cloud }, state) {
    const kept = cloud.triggers[text(state.id)];
    return kept ? { name: kept.name, ...sourceOf(kept.rule, state), ...targetOf(kept.rule) } : null;
  },
  import: (_call, id) => ({ id, created_at: CREATED_AT }),
  update(call, _prior, planned) {
    const id = text(planned.id);
    const kept = found(call.cloud.triggers[id], `Trigger ${id}`);
    kept.rule = ruleOf(call, id, planned);
    kept.name = text(planned.name);
    return { state: { ...planned, ...sourceOf(kept.rule, planned) } };
  },
  remove({ cloud }, state) {
    delete cloud.triggers[text(state.id)];
  },
};

function ruleOf({ cloud }: Call, id: string, planned: Attributes): Trigger["rule"] {
  const target = only(planned.container);
  if (!target) fail("InvalidArgument", "the stand-in triggers invoke containers only");
  const containerId = text(target.id);
  found(cloud.containers[containerId], `Container ${containerId}`);
  const queue = only(planned.message_queue);
  if (queue) return { message_queue: queueRule(cloud, id, planned, queue, target) };
  const timer = only(planned.timer);
  if (!timer) fail("InvalidArgument", "the stand-in triggers know queues and timers only");
  return { timer: timerRule(timer, target) };
}

function queueRule(
  cloud: Cloud,
  id: string,
  planned: Attributes,
  queue: Attributes,
  target: Attributes,
): NonNullable<Trigger["rule"]["message_queue"]> {
  if (only(planned.dlq) || target.retry_attempts || target.retry_interval) {
    throw new Error("dlq and retry settings are not supported for message queue trigger");
  }
  const arn = text(queue.queue_id);
  const known = Object.values(cloud.queues).find((it) => it.arn === arn);
  if (found(known, `Queue ${arn}`).attributes.FifoQueue) {
    fail("InvalidArgument", `Queue ${arn} is a FIFO queue`);
  }
  const rival = Object.values(cloud.triggers).find(
    (it) => it.id !== id && it.rule.message_queue?.queue_id === arn,
  );
  if (rival) fail("AlreadyExists", `Queue ${arn} already has trigger ${rival.name}`);
  return {
    queue_id: arn,
    service_account_id: text(queue.service_account_id),
    batch_settings: { size: text(queue.batch_size) || "1", cutoff: `${text(queue.batch_cutoff)}s` },
    invoke_container: invocation(target),
  };
}

function timerRule(timer: Attributes, target: Attributes): NonNullable<Trigger["rule"]["timer"]> {
  const [attempts, interval] = [text(target.retry_attempts), text(target.retry_interval)];
  const retry = attempts
    ? { retry_settings: { retry_attempts: attempts, interval: `${interval || "10"}s` } }
    : {};
  return {
    cron_expression: text(timer.cron_expression),
    ...(timer.payload ? { payload: text(timer.payload) } : {}),
    invoke_container_with_retry: { ...invocation(target), ...retry },
  };
}

function invocation(target: Attributes) {
  return {
    container_id: text(target.id),
    ...(target.path ? { path: text(target.path) } : {}),
    service_account_id: text(target.service_account_id),
  };
}

function sourceOf({ message_queue: queue, timer }: Trigger["rule"], state: Attributes): Attributes {
  if (timer) {
    const { cron_expression, payload = null } = timer;
    return { timer: [{ cron_expression, payload }] };
  }
  if (!queue) return {};
  const { visibility_timeout = null } = only(state.message_queue) ?? {};
  const block = {
    queue_id: queue.queue_id,
    service_account_id: queue.service_account_id,
    batch_size: queue.batch_settings.size,
    batch_cutoff: queue.batch_settings.cutoff.replace(/s$/, ""),
    visibility_timeout,
  };
  return { message_queue: [block] };
}

function targetOf({ message_queue: queue, timer }: Trigger["rule"]): Attributes {
  const target = timer?.invoke_container_with_retry ?? queue?.invoke_container;
  const retry = timer?.invoke_container_with_retry.retry_settings;
  if (!target) return {};
  const block = {
    id: target.container_id,
    path: target.path ?? null,
    service_account_id: target.service_account_id,
    retry_attempts: retry?.retry_attempts ?? null,
    retry_interval: retry?.interval.replace(/s$/, "") ?? null,
  };
  return { container: [block] };
}

function byName(cloud: Cloud): Record<string, { name: string; folderId: string }> {
  const entries = Object.values(cloud.triggers).map((it) => [
    it.id,
    { name: it.name, folderId: it.folder_id },
  ]);
  return Object.fromEntries(entries);
}
