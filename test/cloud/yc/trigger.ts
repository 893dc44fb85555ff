import { type Call, type Flags, parseLabels, UsageError } from "../cli.ts";
import type { Cloud, Trigger } from "../state.ts";
import {
  createTrigger,
  deleteTrigger,
  setTriggerStatus,
  type TriggerFields,
  updateTrigger,
} from "../triggers.ts";
import {
  byId,
  byName,
  type Context,
  inFolder,
  limited,
  oneOrAll,
  select,
  type YcCommand,
} from "./command.ts";

type QueueRule = NonNullable<Trigger["rule"]["message_queue"]>;
type TimerRule = NonNullable<Trigger["rule"]["timer"]>;

const TARGET: Flags = {
  "invoke-function-id": "string",
  "invoke-function-name": "string",
  "invoke-function-tag": "string",
  "invoke-function-service-account-id": "string",
  "invoke-function-service-account-name": "string",
  "invoke-container-id": "string",
  "invoke-container-name": "string",
  "invoke-container-path": "string",
  "invoke-container-service-account-id": "string",
  "invoke-container-service-account-name": "string",
  "gateway-id": "string",
  "gateway-name": "string",
  "gateway-websocket-broadcast-path": "string",
  "gateway-websocket-broadcast-service-account-id": "string",
  "gateway-websocket-broadcast-service-account-name": "string",
  "start-workflow-id": "string",
  "start-workflow-name": "string",
  "start-workflow-service-account-id": "string",
  "start-workflow-service-account-name": "string",
};

const QUEUE: Flags = {
  queue: "string",
  "queue-service-account-id": "string",
  "queue-service-account-name": "string",
  "batch-size": "int",
  "batch-cutoff": "duration",
};

const TIMER: Flags = { "cron-expression": "string", payload: "string" };

const DEAD_LETTERS: Flags = {
  "dlq-queue-id": "string",
  "dlq-service-account-id": "string",
  "dlq-service-account-name": "string",
};

const RETRY: Flags = { "retry-attempts": "int", "retry-interval": "duration" };

const COMMON: Flags = { description: "string", labels: "labels", async: "bool" };
const SELECTOR: Flags = { id: "string", name: "string" };

const TARGET_CHOICE = [
  "invoke-function-id",
  "invoke-function-name",
  "invoke-container-id",
  "invoke-container-name",
  "gateway-id",
  "gateway-name",
  "start-workflow-id",
  "start-workflow-name",
];

/** The commands under `yc serverless trigger`, `v1` or not, with the classic flags. */
export function classicTriggerCommands(root: string): YcCommand[] {
  return [
    {
      path: `${root} create message-queue`,
      flags: { name: "string", ...QUEUE, ...TARGET, ...COMMON },
      required: ["queue"],
      oneOf: [["queue-service-account-id", "queue-service-account-name"], TARGET_CHOICE],
      args: [0, 1],
      run: (call, context) =>
        context.change((cloud) =>
          createTrigger(cloud, context.folderId, {
            ...commonFields(call),
            name: newName(call),
            rule: { message_queue: queueRule(cloud, context, call, "", undefined) },
          }),
        ),
    },
    {
      path: `${root} create timer`,
      flags: { name: "string", ...TIMER, ...RETRY, ...DEAD_LETTERS, ...TARGET, ...COMMON },
      required: ["cron-expression"],
      oneOf: [TARGET_CHOICE],
      args: [0, 1],
      run: (call, context) =>
        context.change((cloud) =>
          createTrigger(cloud, context.folderId, {
            ...commonFields(call),
            name: newName(call),
            rule: { timer: timerRule(cloud, context, call, "", "", undefined) },
          }),
        ),
    },
    {
      path: `${root} update message-queue`,
      flags: { ...SELECTOR, ...COMMON, "new-name": "string", ...renamed({ ...QUEUE, ...TARGET }) },
      args: [0, 1],
      run: (call, context) =>
        change(call, context, (cloud, old) => {
          if (!old.rule.message_queue) throw new UsageError("trigger is not a message queue one");
          return { message_queue: queueRule(cloud, context, call, "new-", old.rule.message_queue) };
        }),
    },
    {
      path: `${root} update timer`,
      flags: {
        ...SELECTOR,
        ...COMMON,
        "new-name": "string",
        ...renamed({ ...TIMER, ...TARGET }),
        ...perTarget({ ...RETRY, ...DEAD_LETTERS }),
      },
      args: [0, 1],
      run: (call, context) =>
        change(call, context, (cloud, old) => {
          if (!old.rule.timer) throw new UsageError("trigger is not a timer");
          return { timer: timerRule(cloud, context, call, "new-", "container-", old.rule.timer) };
        }),
    },
    ...sharedTriggerCommands(root, (trigger) => trigger),
  ];
}

/** What every tree has with the same flags. `show` turns a trigger into what the tree prints. */
export function sharedTriggerCommands(
  root: string,
  show: (trigger: Trigger) => unknown,
): YcCommand[] {
  const many = { args: [0, 1000] as const };
  return [
    ...["get", "describe", "show"].map((verb) => ({
      path: `${root} ${verb}`,
      flags: SELECTOR,
      ...many,
      run: (call: Call, context: Context) => oneOrAll(selected(call, context).map(show)),
    })),
    {
      path: `${root} list`,
      flags: { limit: "int" },
      run: (call, context) => limited(call, inFolder(context, all(context))).map(show),
    },
    {
      path: `${root} delete`,
      flags: { ...SELECTOR, async: "bool" },
      ...many,
      run: (call, context) => {
        const triggers = selected(call, context);
        context.change((cloud) => {
          for (const { id } of triggers) deleteTrigger(cloud, id);
        });
      },
    },
    ...(["pause", "resume"] as const).map((verb) => ({
      path: `${root} ${verb}`,
      flags: { ...SELECTOR, async: "bool" } as Flags,
      ...many,
      run: (call: Call, context: Context) => {
        const triggers = selected(call, context);
        const status = verb === "pause" ? "PAUSED" : "ACTIVE";
        const changed = context.change((cloud) =>
          triggers.map(({ id }) => setTriggerStatus(cloud, id, status)),
        );
        return oneOrAll(changed.map(show));
      },
    })),
  ];
}

export function newName(call: Call): string {
  return call.text("name") ?? call.args[0] ?? "";
}

export function commonFields(call: Call): Pick<TriggerFields, "description" | "labels"> {
  const description = call.text("description");
  const labels = call.text("labels");
  return {
    ...(description === undefined ? {} : { description }),
    ...(labels === undefined ? {} : { labels: parseLabels(labels) }),
  };
}

export function change(
  call: Call,
  context: Context,
  rule: (cloud: Cloud, old: Trigger) => Trigger["rule"],
): Trigger {
  const [old] = selected(call, context);
  if (!old) throw new UsageError("trigger id or name is required");
  const name = call.text("new-name");
  return context.change((cloud) =>
    updateTrigger(cloud, old.id, {
      ...commonFields(call),
      ...(name === undefined ? {} : { name }),
      rule: rule(cloud, old),
    }),
  );
}

function all(context: Context): Trigger[] {
  return context.read((cloud) => Object.values(cloud.triggers));
}

// An id is found in every folder, a name in the folder at hand only.
function selected(call: Call, context: Context): Trigger[] {
  const triggers = all(context);
  const here = inFolder(context, triggers);
  const byIds = triggers.filter(({ id }) => [...call.args, ...call.list("id")].includes(id));
  return select(call, "trigger", [...byIds, ...here]);
}

function queueRule(
  cloud: Cloud,
  context: Context,
  call: Call,
  prefix: "" | "new-",
  old: QueueRule | undefined,
): QueueRule {
  const text = (flag: string) => call.text(prefix + flag);
  const target = old?.invoke_container;
  return {
    queue_id: text("queue") ?? old?.queue_id ?? "",
    service_account_id:
      accountId(cloud, context, call, `${prefix}queue-service-account`) ??
      old?.service_account_id ??
      "",
    batch_settings: {
      size: text("batch-size") ?? old?.batch_settings.size ?? "1",
      cutoff: text("batch-cutoff") ?? old?.batch_settings.cutoff ?? "10s",
    },
    invoke_container: container(cloud, context, call, prefix, target),
  };
}

function timerRule(
  cloud: Cloud,
  context: Context,
  call: Call,
  prefix: "" | "new-",
  retryPrefix: "" | "container-",
  old: TimerRule | undefined,
): TimerRule {
  const target = old?.invoke_container_with_retry;
  const retry = (flag: string) => call.text(`${prefix}${retryPrefix}retry-${flag}`);
  const attempts = retry("attempts") ?? target?.retry_settings?.retry_attempts ?? "0";
  const interval = retry("interval") ?? target?.retry_settings?.interval ?? "10s";
  return {
    cron_expression: call.text(`${prefix}cron-expression`) ?? old?.cron_expression ?? "",
    payload: call.text(`${prefix}payload`) ?? old?.payload ?? "",
    invoke_container_with_retry: {
      ...container(cloud, context, call, prefix, target),
      ...(attempts === "0" ? {} : { retry_settings: { retry_attempts: attempts, interval } }),
    },
  };
}

function container(
  cloud: Cloud,
  context: Context,
  call: Call,
  prefix: string,
  old: QueueRule["invoke_container"] | undefined,
): QueueRule["invoke_container"] {
  const flag = `${prefix}invoke-container`;
  const items = Object.entries(cloud.containers).map(([id, { name, folderId }]) => ({
    id,
    name,
    folder_id: folderId,
  }));
  const name = call.text(`${flag}-name`);
  const id = name
    ? byName("container", inFolder(context, items), name).id
    : (call.text(`${flag}-id`) ?? old?.container_id);
  if (id === undefined) throw new UsageError("this stand-in knows only containers as targets");
  return {
    container_id: byId("container", items, id).id,
    path: call.text(`${flag}-path`) ?? old?.path ?? "",
    service_account_id:
      accountId(cloud, context, call, `${flag}-service-account`) ?? old?.service_account_id ?? "",
  };
}

function accountId(cloud: Cloud, context: Context, call: Call, flag: string): string | undefined {
  const name = call.text(`${flag}-name`);
  if (name === undefined) return call.text(`${flag}-id`);
  const items = Object.entries(cloud.accounts).map(([id, account]) => ({
    id,
    name: account.name,
    folder_id: account.folderId,
  }));
  return byName("service account", inFolder(context, items), name).id;
}

// Flags of `create` are called otherwise by `update`.
function renamed(flags: Flags): Flags {
  return Object.fromEntries(Object.entries(flags).map(([name, type]) => [`new-${name}`, type]));
}

// Retries and dead letters of an update are told apart by the target they belong to.
function perTarget(flags: Flags): Flags {
  return Object.fromEntries(
    Object.entries(flags).flatMap(([name, type]) => [
      [`new-function-${name}`, type],
      [`new-container-${name}`, type],
    ]),
  );
}
