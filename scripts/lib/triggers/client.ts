import { type Access, runYc, ycError, ycOutput } from "../cloud/access.ts";
import { CloudApi } from "../cloud/cloud-api.ts";
import type { ProcessResult, World } from "../shell/world.ts";
import type { Labels, TriggerChange } from "./plan.ts";
import { type LiveTrigger, parseLiveTriggers, type Rule } from "./rules.ts";

/** The triggers of one folder. */
export interface TriggerClient {
  list(): Promise<LiveTrigger[]>;
  apply(change: TriggerChange): Promise<void>;
  pause(trigger: LiveTrigger): Promise<void>;
  resume(trigger: LiveTrigger): Promise<void>;
}

/** `yc` for a logged-in person, the REST API for a given token. */
export function triggerClient(world: World, access: Access, folderId: string): TriggerClient {
  return access.given
    ? new RestTriggers(new CloudApi(world, access), folderId)
    : new YcTriggers(world, folderId);
}

const SERVICE = "serverless-triggers";
const PATH = "/triggers/v1/triggers";

class RestTriggers implements TriggerClient {
  private readonly api: CloudApi;
  private readonly folderId: string;

  constructor(api: CloudApi, folderId: string) {
    this.api = api;
    this.folderId = folderId;
  }

  async list(): Promise<LiveTrigger[]> {
    const query = { folderId: this.folderId };
    return parseLiveTriggers(await this.api.list(SERVICE, PATH, "triggers", query));
  }

  async apply(change: TriggerChange): Promise<void> {
    if (change.action === "delete") {
      return this.api.operate(SERVICE, `${PATH}/${change.trigger.id}`, "DELETE");
    }
    const { name, labels, rule } = change;
    const body = { name, labels, rule: renderRestRule(rule) };
    if (change.action === "create") {
      return this.api.operate(SERVICE, PATH, "POST", { folderId: this.folderId, ...body });
    }
    const path = `${PATH}/${change.trigger.id}`;
    return this.api.operate(SERVICE, path, "PATCH", { updateMask: "name,labels,rule", ...body });
  }

  pause({ id }: LiveTrigger): Promise<void> {
    return this.api.operate(SERVICE, `${PATH}/${id}:pause`, "POST");
  }

  resume({ id }: LiveTrigger): Promise<void> {
    return this.api.operate(SERVICE, `${PATH}/${id}:resume`, "POST");
  }
}

class YcTriggers implements TriggerClient {
  private readonly world: World;
  private readonly folderId: string;
  // A profile may say that the unversioned tree means v2, whose flags are others; CLIs before 1.5
  // know the unversioned tree only.
  private tree: readonly string[] = ["serverless", "trigger", "v1"];

  constructor(world: World, folderId: string) {
    this.world = world;
    this.folderId = folderId;
  }

  async list(): Promise<LiveTrigger[]> {
    const flags = ["list", "--folder-id", this.folderId, "--format", "json"];
    let result = await runYc(this.world, [...this.tree, ...flags]);
    if (isUnknownCommand(result)) {
      this.tree = ["serverless", "trigger"];
      result = await runYc(this.world, [...this.tree, ...flags]);
    }
    if (result.exitCode !== 0) throw ycError([...this.tree, "list"], result);
    return parseLiveTriggers(JSON.parse(result.stdout));
  }

  async apply(change: TriggerChange): Promise<void> {
    if (change.action === "delete") return this.run(["delete", "--id", change.trigger.id]);
    if (change.action === "create") {
      return this.run([...renderCreate(change), "--folder-id", this.folderId]);
    }
    return this.run(renderUpdate(change));
  }

  pause({ id }: LiveTrigger): Promise<void> {
    return this.run(["pause", "--id", id]);
  }

  resume({ id }: LiveTrigger): Promise<void> {
    return this.run(["resume", "--id", id]);
  }

  private async run(args: readonly string[]): Promise<void> {
    await ycOutput(this.world, [...this.tree, ...args, "--format", "json"]);
  }
}

// Old CLIs answer an unknown command with an error or with their help text.
function isUnknownCommand({ exitCode, stdout, stderr }: ProcessResult): boolean {
  if (exitCode === 0) return !/^\s*(\[|null)/.test(stdout);
  return /unknown (command|flag)/i.test(stderr);
}

type Create = Extract<TriggerChange, { action: "create" }>;
type Update = Extract<TriggerChange, { action: "update" }>;

/** Arguments of `yc serverless trigger create`. */
export function renderCreate({ name, labels, rule }: Create): string[] {
  const target = targetFlags("--", rule);
  const common = ["--name", name, "--labels", formatLabels(labels)];
  return rule.kind === "queue"
    ? [
        "create",
        "message-queue",
        ...common,
        "--queue",
        rule.queueArn,
        "--queue-service-account-id",
        rule.readerId,
        "--batch-size",
        String(rule.batchSize),
        "--batch-cutoff",
        `${rule.batchCutoffSeconds}s`,
        ...target,
      ]
    : [
        "create",
        "timer",
        ...common,
        "--cron-expression",
        rule.cron,
        ...(rule.payload ? ["--payload", rule.payload] : []),
        ...target,
      ];
}

/** Arguments of `yc serverless trigger update`, whose flags are called differently. */
export function renderUpdate({ trigger, name, labels, rule }: Update): string[] {
  const target = targetFlags("--new-", rule);
  const common = [
    "--id",
    trigger.id,
    ...(trigger.name === name ? [] : ["--new-name", name]),
    "--labels",
    formatLabels(labels),
  ];
  return rule.kind === "queue"
    ? [
        "update",
        "message-queue",
        ...common,
        "--new-queue",
        rule.queueArn,
        "--new-queue-service-account-id",
        rule.readerId,
        "--new-batch-size",
        String(rule.batchSize),
        "--new-batch-cutoff",
        `${rule.batchCutoffSeconds}s`,
        ...target,
      ]
    : [
        "update",
        "timer",
        ...common,
        "--new-cron-expression",
        rule.cron,
        "--new-payload",
        rule.payload,
        ...target,
      ];
}

/** A rule in the form of the REST API, where numbers and durations are text. */
export function renderRestRule(rule: Rule): Record<string, unknown> {
  const target = {
    containerId: rule.containerId,
    path: rule.path,
    serviceAccountId: rule.invokerId,
  };
  if (rule.kind === "queue") {
    const batchSettings = { size: String(rule.batchSize), cutoff: `${rule.batchCutoffSeconds}s` };
    return {
      messageQueue: {
        queueId: rule.queueArn,
        serviceAccountId: rule.readerId,
        batchSettings,
        invokeContainer: target,
      },
    };
  }
  return {
    timer: {
      cronExpression: rule.cron,
      ...(rule.payload && { payload: rule.payload }),
      invokeContainerWithRetry: target,
    },
  };
}

function targetFlags(prefix: string, { containerId, path, invokerId }: Rule): string[] {
  return [
    `${prefix}invoke-container-id`,
    containerId,
    `${prefix}invoke-container-path`,
    path,
    `${prefix}invoke-container-service-account-id`,
    invokerId,
  ];
}

function formatLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}
