import { readFileSync } from "node:fs";
import { type Call, type Flags, UsageError } from "../cli.ts";
import type { Trigger } from "../state.ts";
import { createTrigger } from "../triggers.ts";
import type { YcCommand } from "./command.ts";
import { change, commonFields, newName, sharedTriggerCommands } from "./trigger.ts";

type Target = NonNullable<Trigger["rule"]["message_queue"]>["invoke_container"];

const COMMON: Flags = { description: "string", labels: "labels", async: "bool" };

const QUEUE: Flags = {
  "queue-arn": "string",
  "service-account-id": "string",
  "visibility-timeout": "duration",
  "batch-max-count": "int",
  "batch-max-bytes": "int",
  "batch-cutoff": "duration",
};

/** The second tree: other flags, other output. A profile may make it the unversioned one. */
export function secondTriggerCommands(root: string): YcCommand[] {
  return [
    {
      path: `${root} create message-queue`,
      flags: { name: "string", action: "list", ...QUEUE, ...COMMON },
      required: ["queue-arn", "service-account-id", "action"],
      args: [0, 1],
      run: (call, context) => {
        const trigger = context.change((cloud) =>
          createTrigger(cloud, context.folderId, {
            ...commonFields(call),
            name: newName(call),
            rule: {
              message_queue: { ...queueSource(call, undefined), invoke_container: action(call) },
            },
          }),
        );
        return show(trigger);
      },
    },
    {
      path: `${root} create timer`,
      flags: {
        name: "string",
        action: "list",
        "cron-expression": "string",
        payload: "string",
        ...COMMON,
      },
      required: ["cron-expression", "action"],
      args: [0, 1],
      run: (call, context) => {
        const timer = {
          cron_expression: call.text("cron-expression") ?? "",
          payload: call.text("payload") ?? "",
          invoke_container_with_retry: action(call),
        };
        const fields = { ...commonFields(call), name: newName(call), rule: { timer } };
        return show(context.change((cloud) => createTrigger(cloud, context.folderId, fields)));
      },
    },
    {
      path: `${root} update message-queue`,
      flags: { id: "string", name: "string", "new-name": "string", ...QUEUE, ...COMMON },
      args: [0, 1],
      run: (call, context) =>
        show(
          change(call, context, (_, { rule: { message_queue: old } }) => {
            if (!old) throw new UsageError("trigger is not a message queue one");
            return { message_queue: { ...old, ...queueSource(call, old) } };
          }),
        ),
    },
    ...sharedTriggerCommands(root, show),
  ];
}

function queueSource(call: Call, old: Trigger["rule"]["message_queue"]) {
  return {
    queue_id: call.text("queue-arn") ?? old?.queue_id ?? "",
    service_account_id: call.text("service-account-id") ?? old?.service_account_id ?? "",
    batch_settings: {
      size: call.text("batch-max-count") ?? old?.batch_settings.size ?? "1",
      cutoff: call.text("batch-cutoff") ?? old?.batch_settings.cutoff ?? "10s",
    },
  };
}

function action(call: Call): Target {
  const [text = ""] = call.list("action");
  const parsed = JSON.parse(text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text);
  return (parsed as { invoke_container: Target }).invoke_container;
}

function show({ rule, ...trigger }: Trigger): unknown {
  const { message_queue: queue, timer } = rule;
  const source = queue && {
    ymq: {
      queue_arn: queue.queue_id,
      service_account_id: queue.service_account_id,
      batch_settings: { max_count: queue.batch_settings.size, cutoff: queue.batch_settings.cutoff },
    },
  };
  return {
    ...trigger,
    source: source ?? {
      timer: { cron_expression: timer?.cron_expression, payload: timer?.payload },
    },
    action: [{ invoke_container: queue?.invoke_container ?? timer?.invoke_container_with_retry }],
  };
}
