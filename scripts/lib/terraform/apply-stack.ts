import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stageDirectory } from "../../../stacks/directories.ts";
import type { Settings, StackKind } from "../../../stacks/settings.ts";
import { interruption } from "../shell/interrupt.ts";
import type { System } from "../shell/system.ts";
import { messageOf } from "../shell/user-error.ts";
import { findApplied } from "./messages.ts";
import { type TakeOverOptions, takeOver } from "./recovery.ts";
import { rightsFirst } from "./rights.ts";
import { type Terraform, TerraformFailure, type TerraformVariables } from "./terraform.ts";

/** After this error the same apply succeeds: the unfinished key is gone by then. */
const PASSING = /output_to_lockbox_version_id is empty/;

/** Another run has changed the state since the plan was made. */
const STALE = /Saved plan is stale/;

/** Another run is at work, and what it creates belongs to it. */
const LOCKED = /Error acquiring the state lock/;

/** What is applied, and how. */
export interface ApplyOptions extends TakeOverOptions {
  readonly variables?: TerraformVariables;
  /** The plan of this very apply, where one was saved. */
  readonly plan?: SavedPlan | undefined;
}

/** A plan that was made while something else was still being done. */
export interface SavedPlan {
  /** Whether there is anything to apply. */
  readonly changes: boolean;
}

/**
 * Applies an initialized stack, and finishes what an interrupted run left behind: Terraform learns
 * of a resource only once it exists, so such a run leaves resources that no state lists. Looks for them
 * only when there is a reason: the mark of a run that did not finish, or an apply that fails.
 */
export async function applyStack(options: ApplyOptions): Promise<string> {
  const { session, kind, report, variables = {}, plan } = options;
  const terraform = session.terraform.with(report);
  if (plan && !plan.changes) {
    terraform.removeSavedPlan(kind);
    terraform.forgetCut(kind);
    return "no change";
  }
  const mark = markOf(session.system, session.settings, kind);
  const before = existsSync(mark) || options.owned?.length ? await takeOver(options) : [];
  writeFileSync(mark, "", { mode: 0o600 });
  let isPlanned = plan !== undefined;
  const outcome = await applyInRounds(options, () => {
    const usePlan = isPlanned;
    isPlanned = false;
    return applyRightsFirst(terraform, kind, variables, usePlan);
  });
  terraform.forgetCut(kind);
  rmSync(mark, { force: true });
  return [...before, outcome].join("; ");
}

/** Whether the last run that applied a stack here did not finish. */
export function isUnfinished(system: System, settings: Settings, kind: StackKind): boolean {
  return existsSync(markOf(system, settings, kind));
}

function markOf({ root }: System, { stage }: Settings, kind: StackKind): string {
  return join(root, stageDirectory(stage), `${kind}.unfinished`);
}

async function applyRightsFirst(
  terraform: Terraform,
  kind: StackKind,
  variables: TerraformVariables,
  usePlan: boolean,
): Promise<string> {
  const first =
    kind === "app"
      ? await rightsFirst(terraform.configured(kind), () => terraform.state(kind))
      : [];
  if (first.length === 0 && usePlan) return terraform.applySavedPlan(kind);
  if (first.length > 0) await terraform.apply(kind, variables, first);
  return terraform.apply(kind, variables);
}

// Each round has to find something that was not found before: what comes after it may be lost too.
async function applyInRounds(options: ApplyOptions, apply: () => Promise<string>): Promise<string> {
  const found = new Set<string>();
  try {
    for (;;) {
      const outcome = await attempt(apply);
      if (typeof outcome === "string") return [...found, outcome].join("; ");
      const before = found.size;
      for (const phrase of await takeOver(options, outcome)) found.add(phrase);
      if (PASSING.test(outcome.message)) found.add("an unfinished key is gone");
      if (STALE.test(outcome.message)) found.add("planned again after another run");
      if (found.size === before) throw outcome;
    }
  } finally {
    options.session.terraform.removeImports(options.kind);
    options.session.terraform.removeSavedPlan(options.kind);
  }
}

async function attempt(apply: () => Promise<string>): Promise<string | TerraformFailure> {
  try {
    return findApplied(await apply());
  } catch (error) {
    const over = interruption() || LOCKED.test(messageOf(error));
    if (error instanceof TerraformFailure && !over) return error;
    throw error;
  }
}
