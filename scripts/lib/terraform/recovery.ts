import { STATE_ID_VARIABLE, STATE_LABEL, stateIdOf } from "../../../stacks/ownership.ts";
import { type StackKind, stackId } from "../../../stacks/settings.ts";
import { CloudApiError } from "../cloud/cloud-api.ts";
import type { Session } from "../cloud/session.ts";
import { fieldsOf } from "../shell/json.ts";
import type { OnLine } from "../shell/steps.ts";
import { UserError } from "../shell/user-error.ts";
import {
  deleteResource,
  type ExistingResource,
  findExisting,
  type KnownAttributes,
} from "./existing-resources.ts";

/** Which stack's things are taken over, and for whom. */
export interface TakeOverOptions {
  readonly session: Session;
  readonly kind: StackKind;
  readonly report: OnLine;
  /** Ids of things that the user says are this stage's own. */
  readonly owned?: readonly string[] | undefined;
}

/** Takes over what is this state's own and missing in it; one phrase for each thing. */
export async function takeOver(options: TakeOverOptions, reason?: Error): Promise<string[]> {
  try {
    return await takeOverAll(options);
  } catch (error) {
    // What this account may not list need not be in the way.
    if (!(error instanceof CloudApiError)) throw error;
    options.report(`What an unfinished run left behind cannot be looked up: ${error.message}`);
    if (reason) throw reason;
    return [];
  }
}

async function takeOverAll({ session, kind, owned = [] }: TakeOverOptions): Promise<string[]> {
  const { terraform, api, folderId, settings, system } = session;
  // The terraform of a killed run may still be at work, and what it creates is in its state.
  await terraform.waitForLock(kind);
  const state = await terraform.state(kind);
  const stateId = stateIdOf(settings, system.root);
  const known: KnownAttributes = new Map([
    ["var", { [STATE_ID_VARIABLE]: stateId }],
    ...state.map(({ address, attributes }) => [address, attributes] as const),
  ]);
  const missing = terraform.configured(kind).filter(({ address }) => !known.has(address));
  const found = await findExisting(api, folderId, missing, known);
  const isOwn = ({ inherits, labels, id }: ExistingResource) =>
    inherits || owned.includes(id) || (stateId !== "" && labels[STATE_LABEL] === stateId);
  const strangers = found.filter((thing) => !isOwn(thing) && !thing.duplicable);
  if (strangers.length > 0) throw refusal(session, kind, strangers);
  const plan = await decide(session, kind, firstOfEach(found.filter(isOwn)), owned);
  for (const { type, id } of plan.removed) await deleteResource(api, type, id);
  terraform.writeImports(
    kind,
    plan.imported.map(({ address, id }) => ({ to: address, id })),
  );
  return [
    ...(terraform.wasCut(kind) ? ["put back the state from before a killed run"] : []),
    ...plan.removed.map((thing) => `deleted unfinished ${describe(thing)}`),
    ...plan.imported.map((thing) => `took over ${describe(thing)}`),
  ];
}

interface Decision {
  readonly removed: readonly ExistingResource[];
  readonly imported: readonly ExistingResource[];
}

// What Terraform cannot import, or not without leaving it unusable for ever, is recreated: nothing
// hangs on it yet.
async function decide(
  session: Session,
  kind: StackKind,
  things: readonly ExistingResource[],
  owned: readonly string[],
): Promise<Decision> {
  const removed = new Set<ExistingResource>();
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

async function runs({ api }: Session, { id }: ExistingResource): Promise<boolean> {
  const query = { containerId: id };
  const path = "/containers/v1/revisions";
  const revisions = await api.list("serverless-containers", path, "revisions", query);
  return revisions.some((revision) => fieldsOf(revision).status === "ACTIVE");
}

// Its address is printed at the end of a deploy, and is in the state by then.
async function refuseServing(
  { terraform, settings }: Session,
  kind: StackKind,
  thing: ExistingResource,
  owned: readonly string[],
): Promise<void> {
  if (owned.includes(thing.id)) return;
  const { gateway } = await terraform.outputs(kind);
  const started = (await terraform.state(kind)).some(
    ({ type }) => type === "yandex_serverless_container",
  );
  if (gateway === undefined && (started || terraform.wasCut(kind))) return;
  throw new UserError(
    `${capital(describe(thing))} is missing in the state of stack ${stackId(kind, settings.stage)}, Terraform cannot import a gateway, and this one may be in use. ${ownCommand(settings.stage, [thing])} recreates it, with another address.`,
  );
}

function refusal(
  { folderId, settings }: Session,
  kind: StackKind,
  strangers: readonly ExistingResource[],
): UserError {
  return new UserError(
    [
      `Stack ${stackId(kind, settings.stage)} would create what folder ${folderId} already has, and this state did not create it:`,
      ...strangers.map((thing) => `  - ${describe(thing)}, ${origin(thing)}`),
      "Did somebody else deploy this stage with a state of their own? Then use one state for everyone: set `backend` in config.ts; `npm run destroy` deletes what was created from here.",
      `Are they yours? ${ownCommand(settings.stage, strangers)} takes them over. Nothing was changed.`,
    ].join("\n"),
  );
}

function origin({ labels }: ExistingResource): string {
  return labels[STATE_LABEL] ? "created with another state" : "without the labels of a deploy";
}

function ownCommand(stage: string | undefined, things: readonly ExistingResource[]): string {
  const flags = [
    ...(stage === undefined ? [] : [`--stage ${stage}`]),
    `--take-over ${things.map(({ id }) => id).join(",")}`,
  ];
  return `\`npm run deploy -- ${flags.join(" ")}\``;
}

// Of several with one name, one is taken over; the others are removed when the deploy is done.
function firstOfEach(things: readonly ExistingResource[]): ExistingResource[] {
  return things.filter(
    ({ address }, index) => things.findIndex((other) => other.address === address) === index,
  );
}

function describe({ noun, name, id }: ExistingResource): string {
  return `${noun} ${name} (${id})`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
