import { type Cloud, changeCloud, type LostCreation, readCloud } from "../state.ts";
import { type Behaviour, type Call, type Outcome, rpcError, type Settings } from "./behaviour.ts";
import { behaviourOf, dataSourceOf } from "./behaviours/index.ts";
import { configure, LATE } from "./configure.ts";
import { killRun } from "./kill.ts";
import { planChange, settleUnknown } from "./plan.ts";
import type { Block, ProviderSchema } from "./schema.ts";
import { type Attributes, text } from "./values.ts";
import {
  attributePath,
  type Diagnostic,
  type DynamicValue,
  errors,
  pack,
  schemaResponse,
  unpack,
  warnings,
} from "./wire.ts";

interface ConfigRequest {
  type_name: string;
  config: DynamicValue;
}

interface UpgradeRequest {
  raw_state: { json: Uint8Array };
}

interface ReadRequest {
  type_name: string;
  current_state: DynamicValue;
  private: Uint8Array;
}

interface PlanRequest {
  type_name: string;
  prior_state: DynamicValue;
  proposed_new_state: DynamicValue;
  prior_private: Uint8Array;
}

interface ImportRequest {
  type_name: string;
  id: string;
}

interface ApplyRequest {
  type_name: string;
  prior_state: DynamicValue;
  planned_state: DynamicValue;
  planned_private: Uint8Array;
}

/** The provider without the wire: each method takes a request of the protocol and gives its answer. */
export class Provider {
  readonly #schema: ProviderSchema;
  #settings: Settings | undefined;

  constructor(schema: ProviderSchema) {
    this.#schema = schema;
  }

  methods(): Record<string, (request: never) => object> {
    return {
      GetProviderSchema: () => schemaResponse(this.#schema),
      ValidateProviderConfig: () => ({}),
      ValidateResourceConfig: (request: ConfigRequest) => this.#validate(request),
      ValidateDataResourceConfig: () => ({}),
      UpgradeResourceState: (request: UpgradeRequest) => ({ upgraded_state: request.raw_state }),
      ConfigureProvider: (request: ConfigRequest) => this.#configure(request),
      ReadResource: (request: ReadRequest) => this.#read(request),
      PlanResourceChange: (request: PlanRequest) => this.#plan(request),
      ApplyResourceChange: (request: ApplyRequest) => this.#apply(request),
      ImportResourceState: (request: ImportRequest) => this.#import(request),
      ReadDataSource: (request: ConfigRequest) => this.#readData(request),
      StopProvider: () => ({}),
    };
  }

  #validate({ type_name, config }: ConfigRequest): object {
    const check = behaviourOf(type_name).check;
    return { diagnostics: errors(check?.(unpack(config) ?? {}) ?? []) };
  }

  #configure({ config }: ConfigRequest): object {
    return answer(() => {
      this.#settings = configure(unpack(config) ?? {});
      // A run of terraform takes long enough for what the last one granted to have spread.
      changeCloud((cloud) => {
        cloud.tick += LATE;
      });
      return {};
    });
  }

  #read({ type_name, current_state, private: data }: ReadRequest): object {
    const state = unpack(current_state) ?? {};
    return answer(() => {
      if (failsToRead()) throw new Error(INTERNAL);
      const now = behaviourOf(type_name).read(this.#call(readCloud(), type_name), state);
      const merged = now && { ...state, ...now };
      return { new_state: pack(this.#block(type_name), merged), private: data };
    });
  }

  #plan(request: PlanRequest): object {
    const behaviour = behaviourOf(request.type_name);
    const block = this.#block(request.type_name);
    const prior = unpack(request.prior_state);
    const plan = planChange(block, behaviour, prior, unpack(request.proposed_new_state));
    return {
      planned_state: pack(block, plan.planned),
      requires_replace: plan.replace.map(attributePath),
      planned_private: request.prior_private,
      legacy_type_system: behaviour.half === "sdk",
    };
  }

  #apply(request: ApplyRequest): object {
    const behaviour = behaviourOf(request.type_name);
    const block = this.#block(request.type_name);
    const prior = unpack(request.prior_state);
    const planned = unpack(request.planned_state);
    const outcome = changeCloud((cloud) => {
      cloud.log.push(logLine(request.type_name, prior, planned));
      const call = this.#call(cloud, request.type_name);
      const made = attempt(behaviour, call, prior, planned);
      const lost =
        prior || made.diagnostics.length > 0 ? undefined : lostCreation(cloud, call.type, planned);
      return lost ? { ...afterLoss(lost, behaviour, call, planned, made), lost } : made;
    });
    if (outcome.lost?.by.startsWith("kill")) killRun(outcome.lost.by === "kill all");
    const state = outcome.state && settleUnknown(block, behaviour, outcome.state);
    return {
      new_state: pack(block, state),
      private: request.planned_private,
      diagnostics: outcome.diagnostics,
      legacy_type_system: behaviour.half === "sdk",
    };
  }

  #import({ type_name, id }: ImportRequest): object {
    return answer(() => {
      const known = behaviourOf(type_name).import;
      if (!known) throw new Error(`resource ${type_name} doesn't support import`);
      const state = pack(this.#block(type_name), known(this.#call(readCloud(), type_name), id));
      return { imported_resources: [{ type_name, state }] };
    });
  }

  #readData({ type_name, config }: ConfigRequest): object {
    return answer(() => {
      const given = unpack(config) ?? {};
      const values = dataSourceOf(type_name)(this.#call(readCloud(), type_name), given);
      const block = this.#schema.data_source_schemas[type_name]?.block ?? {};
      return { state: pack(block, { ...given, ...values }) };
    });
  }

  #call(cloud: Cloud, type: string): Call {
    if (!this.#settings) throw new Error("The provider was not configured.");
    return { cloud, type, settings: this.#settings };
  }

  #block(type: string): Block {
    return this.#schema.resource_schemas[type]?.block ?? {};
  }
}

interface Attempt {
  readonly state: Attributes | null;
  readonly diagnostics: Diagnostic[];
  readonly lost?: LostCreation;
}

const INTERNAL = rpcError("Internal", "Internal error");

/** The fault that is due at this creation, if there is one. */
function lostCreation(
  cloud: Cloud,
  type: string,
  planned: Attributes | null,
): LostCreation | undefined {
  const parents = ["service_account", "secret", "repository", "registry", "container", "database"];
  const tells = ["name", "role", "member", ...parents.map((it) => `${it}_id`)];
  const line = [type, ...tells.map((name) => text(planned?.[name]))].join(" ");
  cloud.creates = (cloud.creates ?? 0) + 1;
  cloud.lost ??= [];
  const { creation } = cloud.faults;
  if (creation?.at === "each" ? cloud.lost.includes(line) : creation?.at !== cloud.creates) {
    return undefined;
  }
  cloud.lost.push(line);
  return creation;
}

// The newer half writes its state at the very end; the older one knows the id before it looks, and
// leaves the thing to be replaced. A key is moved to Lockbox after the look.
function afterLoss(
  { by }: LostCreation,
  behaviour: Behaviour,
  call: Call,
  planned: Attributes | null,
  made: Attempt,
): Attempt {
  if (by === "unavailable") {
    call.cloud.tick += 1;
    return attempt(behaviour, call, null, planned);
  }
  const state =
    behaviour.half === "framework" ? null : (behaviour.partial?.(call, made.state) ?? made.state);
  return { state, diagnostics: errors([INTERNAL]) };
}

function failsToRead(): boolean {
  if (!readCloud().faults.reads) return false;
  return changeCloud(({ faults }) => {
    const due = (faults.reads ?? 0) > 0;
    faults.reads = Math.max(0, (faults.reads ?? 0) - 1);
    return due;
  });
}

// A refused operation changes nothing: a creation leaves no state, the others leave the old one.
function attempt(
  behaviour: Behaviour,
  call: Call,
  prior: Attributes | null,
  planned: Attributes | null,
): Attempt {
  try {
    const { state, ...messages } = operate(behaviour, call, prior, planned);
    const diagnostics = [...errors(messages.errors ?? []), ...warnings(messages.warnings ?? [])];
    return { state: state ? { ...planned, ...state } : null, diagnostics };
  } catch (error) {
    return { state: prior, diagnostics: errors([messageOf(error)]) };
  }
}

function operate(
  behaviour: Behaviour,
  call: Call,
  prior: Attributes | null,
  planned: Attributes | null,
): Omit<Outcome, "state"> & { state: Attributes | null } {
  if (planned && prior) return behaviour.update(call, prior, planned);
  if (planned) return behaviour.create(call, planned);
  behaviour.remove(call, prior ?? {});
  return { state: null };
}

function logLine(type: string, prior: Attributes | null, planned: Attributes | null): string {
  const verb = !prior ? "create" : planned ? "update" : "delete";
  const { name, id } = planned ?? prior ?? {};
  return `terraform ${verb} ${type} ${text(name) || text(id)}`.trim();
}

function answer(body: () => object): object {
  try {
    return body();
  } catch (error) {
    return { diagnostics: errors([messageOf(error)]) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
