import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stageDirectory } from "../../../stacks/locations.ts";
import { STATE_LABEL, stateIdOf } from "../../../stacks/ownership.ts";
import { type Settings, stackId } from "../../../stacks/settings.ts";
import { ApiError } from "../cloud/cloud-api.ts";
import type { Session } from "../cloud/session.ts";
import { interruption } from "../shell/interrupt.ts";
import type { Report } from "../shell/steps.ts";
import { messageOf, UserError } from "../shell/user-error.ts";
import type { World } from "../shell/world.ts";
import { findNamesakes, KINDS, type Known, type Namesake } from "./existing-resources.ts";
import { findApplied } from "./messages.ts";
import { rightsFirst } from "./rights.ts";
import { type StackKind, type Terraform, TerraformFailure, type Variables } from "./terraform.ts";

/** After this once, the same apply succeeds: the half-made key is gone by then. */
const PASSING = /output_to_lockbox_version_id is empty/;

/** Another run has changed the state since the plan was made. */
const STALE = /Saved plan is stale/;

/** Somebody else is at work, and what they make is theirs. */
const LOCKED = /Error acquiring the state lock/;

export interface ApplyOptions {
  readonly session: Session;
  readonly kind: StackKind;
  readonly report: Report;
  readonly variables?: Variables;
  /** Ids of things that the user says are this stage's own. */
  readonly owned?: readonly string[] | undefined;
  /** The plan of this very apply, where one was made ahead. */
  readonly ahead?: PlanAhead | undefined;
}

/** A plan that was made while something else was still being done. */
export interface PlanAhead {
  /** Whether there is anything to apply. */
  readonly changes: boolean;
}

/**
 * Applies an initialized stack, and finishes what a run has left that died while it made things: Terraform learns
 * of a thing only after it exists, so such a run leaves things that no state knows. Looks for them
 * only when there is a reason: the mark of a run that never came to its end, or an apply that fails.
 */
export async function applyStack(options: ApplyOptions): Promise<string> {
  const { session, kind, report, variables = {}, ahead } = options;
  const terraform = session.terraform.with(report);
  if (ahead && !ahead.changes) {
    terraform.forgetPlan(kind);
    return "no change";
  }
  const mark = markOf(session.world, session.settings, kind);
  const before = existsSync(mark) || options.owned?.length ? await takeOver(options) : [];
  writeFileSync(mark, "", { mode: 0o600 });
  let isPlanned = ahead !== undefined;
  const outcome = await applyInRounds(options, () => {
    const usePlan = isPlanned;
    isPlanned = false;
    return applyRightsFirst(terraform, kind, variables, usePlan);
  });
  rmSync(mark, { force: true });
  return [...before, outcome].join("; ");
}

/** Whether the last run that applied a stack here never came to its end. */
export function isUnfinished(world: World, settings: Settings, kind: StackKind): boolean {
  return existsSync(markOf(world, settings, kind));
}

function markOf({ root }: World, { stage }: Settings, kind: StackKind): string {
  return join(root, stageDirectory(stage), `${kind}.unfinished`);
}

async function applyRightsFirst(
  terraform: Terraform,
  kind: StackKind,
  variables: Variables,
  usePlan: boolean,
): Promise<string> {
  const first =
    kind === "app" ? await rightsFirst(terraform.planned(kind), () => terraform.state(kind)) : [];
  if (first.length === 0 && usePlan) return terraform.applyPlanned(kind);
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
      if (PASSING.test(outcome.message)) found.add("a half-made key is gone");
      if (STALE.test(outcome.message)) found.add("planned again after another run");
      if (found.size === before) throw outcome;
    }
  } finally {
    options.session.terraform.forgetImports(options.kind);
    options.session.terraform.forgetPlan(options.kind);
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

/** Takes over what is this state's own and missing in it; one phrase for each thing. */
async function takeOver(options: ApplyOptions, reason?: Error): Promise<string[]> {
  try {
    return await takeOverAll(options);
  } catch (error) {
    // What may not be looked at may still be in nobody's way.
    if (!(error instanceof ApiError)) throw error;
    options.report(`What an unfinished run has left cannot be looked up: ${error.message}`);
    if (reason) throw reason;
    return [];
  }
}

async function takeOverAll({ session, kind, owned = [] }: ApplyOptions): Promise<string[]> {
  const { terraform, api, folderId, settings, world } = session;
  // The terraform of a killed run may still be at work. What it makes is none of this.
  await terraform.waitForLock(kind);
  const state = await terraform.state(kind);
  const known: Known = new Map(state.map(({ address, attributes }) => [address, attributes]));
  const missing = terraform.planned(kind).filter(({ address }) => !known.has(address));
  const found = await findNamesakes(api, folderId, missing, known);
  const stateId = stateIdOf(settings, world.root);
  const isOwn = ({ inherits, labels, id }: Namesake) =>
    inherits || owned.includes(id) || (stateId !== "" && labels[STATE_LABEL] === stateId);
  const strangers = found.filter((thing) => !isOwn(thing) && !thing.harmless);
  if (strangers.length > 0) throw refusal(session, kind, strangers);
  const plan = await decide(session, kind, firstOfEach(found.filter(isOwn)), owned);
  for (const thing of plan.removed) await remove(session, thing);
  terraform.importNext(
    kind,
    plan.imported.map(({ address, id }) => ({ to: address, id })),
  );
  return [
    ...plan.removed.map((thing) => `removed half-made ${describe(thing)}`),
    ...plan.imported.map((thing) => `took over ${describe(thing)}`),
  ];
}

interface Decision {
  readonly removed: readonly Namesake[];
  readonly imported: readonly Namesake[];
}

// What Terraform cannot import, or not without leaving it unusable for ever, is made anew: nothing
// hangs on it yet.
async function decide(
  session: Session,
  kind: StackKind,
  things: readonly Namesake[],
  owned: readonly string[],
): Promise<Decision> {
  const removed = new Set<Namesake>();
  for (const thing of things) {
    if (thing.type === "yandex_api_gateway") {
      await refuseServing(session, kind, thing, owned);
      removed.add(thing);
    }
    if (thing.type === "yandex_cm_certificate" && thing.status === "INVALID") removed.add(thing);
    if (thing.type === "yandex_serverless_container" && !(await runs(session, thing))) {
      removed.add(thing);
    }
  }
  return { removed: [...removed], imported: things.filter((thing) => !removed.has(thing)) };
}

async function runs({ api }: Session, { id }: Namesake): Promise<boolean> {
  const query = { containerId: id };
  const path = "/containers/v1/revisions";
  const revisions = await api.list("serverless-containers", path, "revisions", query);
  return revisions.some((revision) => (revision as { status?: unknown }).status === "ACTIVE");
}

// Its address is told when a deploy has ended, and is in the state then.
async function refuseServing(
  { terraform, settings }: Session,
  kind: StackKind,
  thing: Namesake,
  owned: readonly string[],
): Promise<void> {
  if (owned.includes(thing.id)) return;
  const { gateway } = await terraform.outputs(kind);
  const started = (await terraform.state(kind)).some(
    ({ type }) => type === "yandex_serverless_container",
  );
  if (gateway === undefined && started) return;
  throw new UserError(
    `${capital(describe(thing))} is missing in the state of stack ${stackId(kind, settings.stage)}, Terraform cannot import a gateway, and this one may be in use. ${ownCommand(settings.stage, [thing])} makes it anew, with another address.`,
  );
}

async function remove({ api }: Session, { type, id }: Namesake): Promise<void> {
  const { service, path } = KINDS[type] as (typeof KINDS)[string];
  await api.operate(service, `${path}/${id}`, "DELETE");
}

function refusal(
  { folderId, settings }: Session,
  kind: StackKind,
  strangers: readonly Namesake[],
): UserError {
  return new UserError(
    [
      `Stack ${stackId(kind, settings.stage)} is to make what folder ${folderId} has already, and this state did not make it:`,
      ...strangers.map((thing) => `  - ${describe(thing)}, ${origin(thing)}`),
      "Is somebody else deploying this stage, or has done so with a state of their own? Then let theirs be the only one: `backend` in config.ts keeps one state for all, and `npm run destroy` removes what was made from here.",
      `Are they yours? ${ownCommand(settings.stage, strangers)} takes them over. Nothing of them was touched.`,
    ].join("\n"),
  );
}

function origin({ labels }: Namesake): string {
  return labels[STATE_LABEL] ? "made with another state" : "without the labels of a deploy";
}

function ownCommand(stage: string | undefined, things: readonly Namesake[]): string {
  const flags = [
    ...(stage === undefined ? [] : [`--stage ${stage}`]),
    `--take-over ${things.map(({ id }) => id).join(",")}`,
  ];
  return `\`npm run deploy -- ${flags.join(" ")}\``;
}

// Of several with one name, one is taken over; the others are removed when the deploy is done.
function firstOfEach(things: readonly Namesake[]): Namesake[] {
  return things.filter(
    ({ address }, index) => things.findIndex((other) => other.address === address) === index,
  );
}

function describe({ noun, name, id }: Namesake): string {
  return `${noun} ${name} (${id})`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
