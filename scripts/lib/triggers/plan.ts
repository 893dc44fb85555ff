import type { TriggerSpecs } from "../../../constructs/trigger-spec.ts";
import { UserError } from "../shell/user-error.ts";
import { type LiveTrigger, type Rule, ruleOf } from "./rules.ts";

/** How long the platform may take until a new or changed trigger works. */
export const SETTLING_MINUTES = 5;

const SETTLING = `works within ${SETTLING_MINUTES} minutes`;

/** Labels of a trigger, by key. */
export type Labels = Readonly<Record<string, string>>;

/** One change to the triggers of a folder. */
export type TriggerChange =
  | {
      readonly action: "create";
      readonly name: string;
      readonly rule: Rule;
      readonly labels: Labels;
      /** The one in whose place it comes was paused. */
      readonly paused: boolean;
    }
  | {
      readonly action: "update";
      readonly trigger: LiveTrigger;
      readonly name: string;
      readonly rule: Rule;
      readonly labels: Labels;
      /** The fields that differ. */
      readonly fields: readonly string[];
    }
  | { readonly action: "delete"; readonly trigger: LiveTrigger; readonly reason?: string };

/**
 * What turns the triggers of a folder into the wanted ones. Deletions come first, since a queue
 * takes one trigger only. Triggers of others are left alone; one that stands in the way is refused.
 */
export function planTriggers(
  specs: TriggerSpecs,
  live: readonly LiveTrigger[],
  labels: Labels,
): TriggerChange[] {
  const changes: TriggerChange[] = [];
  const kept = new Set<string>();
  for (const [name, spec] of Object.entries(specs)) {
    const rule = ruleOf(spec);
    const trigger = findExisting(name, rule, live, kept);
    if (trigger === undefined || isElsewhere(trigger, rule)) {
      changes.push({ action: "create", name, rule, labels, paused: trigger?.status === "PAUSED" });
      continue;
    }
    kept.add(trigger.id);
    const fields = differences(trigger, name, rule, labels);
    const merged = { ...trigger.labels, ...labels };
    if (fields.length > 0) {
      changes.push({ action: "update", trigger, name, rule, labels: merged, fields });
    }
  }
  return [...planRemovals(specs, live, labels, kept), ...changes];
}

/** What removes every trigger of this stage. */
export function planDeletion(
  specs: TriggerSpecs,
  live: readonly LiveTrigger[],
  labels: Labels,
): TriggerChange[] {
  return live
    .filter((trigger) => isOwn(trigger, labels) || isWanted(trigger, specs))
    .map((trigger) => ({ action: "delete", trigger }));
}

/**
 * What has to be deleted before Terraform creates the triggers itself: those of `npm run trigger`. Terraform's
 * own, known by their ids in the state, stay.
 */
export function planHandover(
  specs: TriggerSpecs,
  live: readonly LiveTrigger[],
  labels: Labels,
  inState: ReadonlySet<string>,
): TriggerChange[] {
  const strangers = live.filter(({ id }) => !inState.has(id));
  refuseForeign(specs, strangers, labels);
  return strangers
    .filter((trigger) => isOwn(trigger, labels))
    .map((trigger) => ({ action: "delete", trigger, reason: "Terraform creates it from now on" }));
}

/** One line for the user. */
export function describeChange(change: TriggerChange): string {
  switch (change.action) {
    case "create":
      return `create ${change.name} (${change.rule.kind}, ${change.paused ? "paused as it was" : SETTLING})`;
    case "update":
      return `update ${change.name}: ${change.fields.join(", ")} (${SETTLING})`;
    case "delete":
      return `delete ${change.trigger.name}${change.reason ? ` (${change.reason})` : ""}`;
  }
}

/** Whether a trigger has all labels of the stage. */
export function isOwn(trigger: LiveTrigger, labels: Labels): boolean {
  return Object.entries(labels).every(([key, value]) => trigger.labels[key] === value);
}

/** The fields in which a live rule differs from the wanted one. */
export function ruleDifferences(live: Rule | undefined, wanted: Rule): string[] {
  if (live?.kind !== wanted.kind) return ["kind"];
  const found: Readonly<Record<string, unknown>> = { ...live };
  return Object.entries(wanted)
    .filter(([field, value]) => found[field] !== value)
    .map(([field]) => field);
}

function planRemovals(
  specs: TriggerSpecs,
  live: readonly LiveTrigger[],
  labels: Labels,
  kept: ReadonlySet<string>,
): TriggerChange[] {
  const others = live.filter(({ id }) => !kept.has(id));
  refuseForeign(specs, others, labels);
  return others
    .filter((trigger) => isOwn(trigger, labels))
    .map((trigger) => ({ action: "delete", trigger, reason: reasonToRemove(trigger, specs) }));
}

function reasonToRemove(trigger: LiveTrigger, specs: TriggerSpecs): string {
  const moved = Object.entries(specs).some(
    ([name, spec]) =>
      (trigger.name === name || sameQueue(trigger.rule, spec)) && isElsewhere(trigger, spec),
  );
  return moved ? "its container was replaced" : "no longer in the stack";
}

// An edit may leave the container that is called as it was.
function isElsewhere({ rule: live }: LiveTrigger, rule: Rule): boolean {
  return live?.kind === rule.kind && live.containerId !== rule.containerId;
}

function refuseForeign(specs: TriggerSpecs, others: readonly LiveTrigger[], labels: Labels): void {
  const foreign = others.find((trigger) => !isOwn(trigger, labels) && isWanted(trigger, specs));
  if (foreign === undefined) return;
  throw new UserError(
    `Trigger ${foreign.name} (${foreign.id}) has the name or the queue of a trigger of this stack, but was not created by it. Delete it: \`yc serverless trigger delete ${foreign.id}\`.`,
  );
}

function isWanted(trigger: LiveTrigger, specs: TriggerSpecs): boolean {
  return (
    specs[trigger.name] !== undefined ||
    Object.values(specs).some((spec) => sameQueue(trigger.rule, spec))
  );
}

function findExisting(
  name: string,
  rule: Rule,
  live: readonly LiveTrigger[],
  kept: ReadonlySet<string>,
): LiveTrigger | undefined {
  const candidates = live.filter((trigger) => !kept.has(trigger.id));
  return (
    candidates.find((trigger) => trigger.name === name && trigger.rule?.kind === rule.kind) ??
    candidates.find((trigger) => sameQueue(trigger.rule, rule))
  );
}

function sameQueue(one: Rule | undefined, other: Rule): boolean {
  return one?.kind === "queue" && other.kind === "queue" && one.queueArn === other.queueArn;
}

function differences(trigger: LiveTrigger, name: string, rule: Rule, labels: Labels): string[] {
  return [
    ...(trigger.name === name ? [] : ["name"]),
    ...(isOwn(trigger, labels) ? [] : ["labels"]),
    ...ruleDifferences(trigger.rule, rule),
  ];
}
