import {
  type Behaviour,
  type Call,
  CREATED_AT,
  type DataSource,
  fail,
  folderOf,
  found,
  newId,
} from "../behaviour.ts";
import { type Attributes, isUnknown, text, withoutUnknown } from "../values.ts";
import { findByIdOrName } from "./lookup.ts";

/** What a type adds to the plain store. */
export interface Generic extends Pick<Behaviour, "half"> {
  readonly prefix: string;
  /** Second name of the id in the newer half. */
  readonly idAttribute?: string;
  /** What the API calls it, where two cannot have one name. */
  readonly unique?: string;
  readonly options?: Partial<Behaviour>;
  computed?(call: Call, planned: Attributes, id: string): Attributes;
}

/** A resource that nothing else depends on: kept in `others` as it was planned. */
export function generic({
  half,
  prefix,
  idAttribute,
  unique,
  options,
  computed,
}: Generic): Behaviour {
  const kept = ({ cloud, type }: Call, state: Attributes) =>
    cloud.others[type]?.[text(state.id)] as Attributes | undefined;
  return {
    half,
    create(call, planned) {
      if (unique) refuseTaken(call, text(planned.name), unique);
      const id = newId(call, prefix, text(planned.name));
      const folder = "folder_id" in planned ? { folder_id: folderOf(call, planned) } : {};
      const extra = { ...idAndTimes(planned, id, idAttribute), ...computed?.(call, planned, id) };
      const state = { ...planned, ...folder, ...extra };
      save(call, state);
      return { state };
    },
    read: (call, state) => kept(call, state) ?? null,
    import: (_call, id) => ({ id }),
    update(call, _prior, planned) {
      found(kept(call, planned), `${call.type} ${text(planned.id)}`);
      const times = idAndTimes(planned, text(planned.id));
      const state = { ...planned, ...times };
      save(call, state);
      return { state };
    },
    remove: ({ cloud, type }, state) => {
      delete cloud.others[type]?.[text(state.id)];
    },
    ...options,
  };
}

/** Looks such a resource up by id or name. */
export function genericData(idAttribute: string, what: string): DataSource {
  return (call, config) => {
    const things = (call.cloud.others[call.type] ?? {}) as Record<string, { name: string }>;
    const wanted = { id: config[idAttribute], name: config.name };
    const [id, thing] = findByIdOrName(things, wanted, what);
    return { ...thing, id, [idAttribute]: id };
  };
}

function refuseTaken({ cloud, type }: Call, name: string, what: string): void {
  const all = Object.values(cloud.others[type] ?? {}) as { name?: string }[];
  if (all.some((it) => it.name === name)) {
    fail("AlreadyExists", `${what} with name ${name} already exists`);
  }
}

// Only what the configuration fixed is read back: the rest is the state's own.
function save({ cloud, type }: Call, state: Attributes): void {
  const known = Object.entries(state)
    .filter(([name, value]) => !isUnknown(value) && !NEVER_READ.has(name))
    .map(([name, value]) => [name, withoutUnknown(value)]);
  cloud.others[type] ??= {};
  cloud.others[type][text(state.id)] = Object.fromEntries(known);
}

const NEVER_READ = new Set(["timeouts", "access_key", "secret_key", "force_destroy"]);

function idAndTimes(planned: Attributes, id: string, idAttribute?: string): Attributes {
  return {
    id,
    ...(idAttribute ? { [idAttribute]: id } : {}),
    ...("created_at" in planned ? { created_at: CREATED_AT } : {}),
    ...("status" in planned ? { status: "ACTIVE" } : {}),
  };
}
