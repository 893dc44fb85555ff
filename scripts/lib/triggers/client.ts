import { type Access, runYc, ycError, ycOutput } from "../cloud/access.ts";
import { CloudApi } from "../cloud/cloud-api.ts";
import type { ProcessResult, System } from "../shell/system.ts";
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
export function triggerClient(system: System, access: Access, folderId: string): TriggerClient {
  return access.given
    ? new RestTriggers(new CloudApi(system, access), folderId)
    : new YcTriggers(system, folderId);
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
  private readonly system: System;
  private readonly folderId: string;
  // A profile may say that the unversioned tree means v2, whose flags are others; CLIs before 1.5
  // know the unversioned tree only.
  private tree: readonly string[] = ["serverless", "trigger", "v1"];

  constructor(system: System, folderId: string) {
    this.system = system;
    this.folderId = folderId;
  }

  async list(): Promise<LiveTrigger[]> {
    const flags = ["list", "--folder-id", this.folderId, "--format", "json"];
    let result = await runYc(this.system, [...this.tree, ...flags]);
    if (isUnknownCommand(result)) {
      this.tree = ["serverless", "trigger"];
      result = await runYc(this.system, [...this.tree, ...flags]);
    }
    if (result.exitCode !== 0) throw ycError([...this.tree, "list"], result);
    return parseLiveTriggers(JSON.parse(result.stdout));
  }

  async apply(change: TriggerChange): Promise<void> {
    if (change.action === "delete") return this.run(["delete", "--id", change.trigger.id]);
    const folder = change.action === "create" ? ["--folder-id", this.folderId] : [];
    return this.run([...renderArguments(change), ...folder]);
  }

  pause({ id }: LiveTrigger): Promise<void> {
    return this.run(["pause", "--id", id]);
  }

  resume({ id }: LiveTrigger): Promise<void> {
    return this.run(["resume", "--id", id]);
  }

  private async run(args: readonly string[]): Promise<void> {
    await ycOutput(this.system, [...this.tree, ...args, "--format", "json"]);
  }
}

// Old CLIs answer an unknown command with an error or with their help text.
function isUnknownCommand({ exitCode, stdout, stderr }: ProcessResult): boolean {
  if (exitCode === 0) return !/^\s*(\[|null)/.test(stdout);
  return /unknown (command|flag)/i.test(stderr);
}

type Edit = Exclude<TriggerChange, { action: "delete" }>;

/** Arguments of `yc serverless trigger`: an update takes the same flags, called `--new-…`. */
export function renderArguments(edit: Edit): string[] {
  const { action, name, labels, rule } = edit;
  const isCreation = action === "create";
  const isRenamed = action === "update" && edit.trigger.name !== name;
  const flags = Object.entries(ruleFlags(rule)).filter(([, value]) => value !== "" || !isCreation);
  return [
    action,
    rule.kind === "queue" ? "message-queue" : "timer",
    ...(isCreation ? ["--name", name] : ["--id", edit.trigger.id]),
    ...(isRenamed ? ["--new-name", name] : []),
    "--labels",
    formatLabels(labels),
    ...flags.flatMap(([flag, value]) => [`--${isCreation ? "" : "new-"}${flag}`, value]),
  ];
}

function ruleFlags(rule: Rule): Record<string, string> {
  const target = {
    "invoke-container-id": rule.containerId,
    "invoke-container-path": rule.path,
    "invoke-container-service-account-id": rule.invokerId,
  };
  if (rule.kind === "timer") {
    return { "cron-expression": rule.cron, payload: rule.payload, ...target };
  }
  return {
    queue: rule.queueArn,
    "queue-service-account-id": rule.readerId,
    "batch-size": String(rule.batchSize),
    "batch-cutoff": `${rule.batchCutoffSeconds}s`,
    ...target,
  };
}

/** A rule in the form of the REST API, where numbers and durations are text. */
export function renderRestRule(rule: Rule): Record<string, unknown> {
  const target = {
    containerId: rule.containerId,
    path: rule.path,
    serviceAccountId: rule.invokerId,
  };
  if (rule.kind === "timer") {
    const payload = rule.payload && { payload: rule.payload };
    return { timer: { cronExpression: rule.cron, ...payload, invokeContainerWithRetry: target } };
  }
  const batchSettings = { size: String(rule.batchSize), cutoff: `${rule.batchCutoffSeconds}s` };
  const queue = { queueId: rule.queueArn, serviceAccountId: rule.readerId };
  return { messageQueue: { ...queue, batchSettings, invokeContainer: target } };
}

function formatLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}
