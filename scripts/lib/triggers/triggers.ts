import type { TriggerSpecs } from "../../../constructs/trigger-spec.ts";
import { ownLabels } from "../../../stacks/ownership.ts";
import type { Session } from "../cloud/session.ts";
import { parseTriggers } from "../terraform/outputs.ts";
import { type TriggerClient, triggerClient } from "./client.ts";
import {
  describeChange,
  isOwn,
  planDeletion,
  planHandover,
  planTriggers,
  type TriggerChange,
} from "./plan.ts";
import type { LiveTrigger } from "./rules.ts";

const PAUSED = "PAUSED";

/** What the trigger command can be asked to do. */
export type TriggerAction = "ensure" | "pause" | "resume" | "delete";

/** One run of `npm run trigger`. `dryRun`: only say what would be done. */
export interface TriggerRun {
  readonly action: TriggerAction;
  readonly specs: TriggerSpecs;
  readonly dryRun?: boolean;
}

/** Performs one action on the stage's triggers. Returns one line for each change. */
export async function runTriggers(session: Session, run: TriggerRun): Promise<string[]> {
  const client = clientOf(session);
  if (run.action === "pause" || run.action === "resume")
    return switchTriggers(client, run, session);
  if (madeByTerraform(run.specs)) {
    return ["Terraform creates the triggers ('trigger' in config.ts); nothing to do here"];
  }
  const plan = run.action === "delete" ? planDeletion : planTriggers;
  const changes = plan(run.specs, await client.list(), ownLabels(session.settings));
  return carryOut(client, changes, run.dryRun);
}

/**
 * Deletes the triggers of `npm run trigger` before Terraform creates its own: a queue takes only one
 * trigger. Reads the queue from the state, so nothing happens before the first apply.
 */
export async function handOver(session: Session): Promise<string[]> {
  const { terraform, settings } = session;
  const specs = parseTriggers(await terraform.outputs("app"));
  if (Object.keys(specs).length === 0) return [];
  const state = await terraform.state("app");
  const inState = new Set(
    state
      .filter(({ type }) => type === "yandex_function_trigger")
      .map(({ attributes }) => String(attributes.id)),
  );
  const client = clientOf(session);
  const live = await client.list();
  return carryOut(client, planHandover(specs, live, ownLabels(settings), inState));
}

/** Deletes the triggers of `npm run trigger`, whether or not the state still mentions them. */
export async function deleteTriggers(session: Session): Promise<string[]> {
  const specs = parseTriggers(await session.terraform.outputs("app"));
  if (madeByTerraform(specs)) return [];
  const client = clientOf(session);
  const changes = planDeletion(specs, await client.list(), ownLabels(session.settings));
  return carryOut(client, changes);
}

/** The triggers of the session's folder. */
export function clientOf({ system, access, folderId }: Session): TriggerClient {
  return triggerClient(system, access, folderId);
}

function madeByTerraform(specs: TriggerSpecs): boolean {
  return Object.values(specs).some(({ trigger }) => trigger === "terraform");
}

async function carryOut(
  client: TriggerClient,
  changes: readonly TriggerChange[],
  dryRun = false,
): Promise<string[]> {
  if (!dryRun) {
    for (const change of changes) await client.apply(change);
    await pauseAgain(client, changes);
  }
  return changes.map(describeChange);
}

// A trigger cannot be created paused.
async function pauseAgain(client: TriggerClient, changes: readonly TriggerChange[]): Promise<void> {
  const names = changes.flatMap((it) => (it.action === "create" && it.paused ? [it.name] : []));
  if (names.length === 0) return;
  const made = (await client.list()).filter(({ name }) => names.includes(name));
  for (const trigger of made) await client.pause(trigger);
}

/** Whether one of the stage's triggers is paused. */
export async function isPaused(session: Session, specs: TriggerSpecs): Promise<boolean> {
  const live = await listOwn(clientOf(session), specs, session);
  return live.some(({ status }) => status === PAUSED);
}

async function listOwn(
  client: TriggerClient,
  specs: TriggerSpecs,
  { settings }: Session,
): Promise<LiveTrigger[]> {
  const labels = ownLabels(settings);
  return (await client.list()).filter(
    (trigger) => specs[trigger.name] !== undefined || isOwn(trigger, labels),
  );
}

async function switchTriggers(
  client: TriggerClient,
  { action, specs, dryRun }: TriggerRun,
  session: Session,
): Promise<string[]> {
  const reached = action === "pause" ? PAUSED : "ACTIVE";
  const live = await listOwn(client, specs, session);
  const changed = live.filter(({ status }) => status !== reached);
  const act = (trigger: LiveTrigger) =>
    action === "pause" ? client.pause(trigger) : client.resume(trigger);
  if (!dryRun) for (const trigger of changed) await act(trigger);
  return changed.map(({ name }) => `${action} ${name}`);
}
