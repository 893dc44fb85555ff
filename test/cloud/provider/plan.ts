import type { Behaviour } from "./behaviour.ts";
import { type Block, isSet, keys, type NestedBlock, zero } from "./schema.ts";
import { type Attributes, elements, isUnknown, same, UNKNOWN, withoutUnknown } from "./values.ts";

export interface Plan {
  readonly planned: Attributes | null;
  readonly replace: string[];
}

/** Plans one resource. `proposed` is terraform's own merge of configuration and prior state. */
export function planChange(
  block: Block,
  behaviour: Behaviour,
  prior: Attributes | null,
  proposed: Attributes | null,
): Plan {
  if (!proposed) return { planned: null, replace: [] };
  const planned = { ...proposed };
  for (const name of keys(block.attributes)) {
    planned[name] = planAttribute(block, behaviour, name, prior, proposed[name]);
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    planned[name] = planNested(nested, behaviour, name, prior, proposed[name]);
  }
  if (!prior) return { planned, replace: [] };
  return settle(block, behaviour, prior, planned);
}

/** Fills in what the cloud left unsaid once everything must be known. */
export function settleUnknown(block: Block, behaviour: Behaviour, state: Attributes): Attributes {
  const known = Object.entries(state).map(([name, value]) => {
    const type = block.attributes?.[name]?.type;
    const empty = type && behaviour.half === "framework" ? zero(type) : type ? null : [];
    return [name, isUnknown(value) ? empty : withoutUnknown(value)];
  });
  return Object.fromEntries(known);
}

function planAttribute(
  block: Block,
  behaviour: Behaviour,
  name: string,
  prior: Attributes | null,
  proposed: unknown,
): unknown {
  if (proposed === null || proposed === undefined) {
    if (behaviour.defaults && name in behaviour.defaults) return behaviour.defaults[name];
    return block.attributes?.[name]?.computed && !prior ? UNKNOWN : null;
  }
  if (typeof proposed !== "string") return proposed;
  const value = behaviour.normalise?.[name]?.(proposed) ?? proposed;
  const before = prior?.[name];
  const unchanged = typeof before === "string" && behaviour.alike?.[name]?.(before, value);
  return unchanged ? before : value;
}

function planNested(
  nested: NestedBlock,
  behaviour: Behaviour,
  name: string,
  prior: Attributes | null,
  proposed: unknown,
): unknown {
  if (isUnknown(proposed) || nested.nesting_mode === "single") return proposed;
  const kept = behaviour.keptBlocks?.includes(name);
  if (elements(proposed).length === 0 && kept) return prior ? prior[name] : UNKNOWN;
  const before = elements(prior?.[name]);
  return elements(proposed).map((item, index) => {
    const hadOne = nested.nesting_mode === "list" ? index < before.length : false;
    return planElement(nested.block, item, behaviour.blockDefaults?.[name] ?? {}, hadOne);
  });
}

// Terraform has already carried computed values of elements that were there before.
function planElement(
  block: Block,
  item: Attributes,
  defaults: Attributes,
  hadOne: boolean,
): Attributes {
  const planned = { ...item };
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) {
    if (planned[name] !== null) continue;
    if (name in defaults) planned[name] = defaults[name];
    else if (attribute.computed && !hadOne) planned[name] = UNKNOWN;
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    if (nested.nesting_mode === "single") continue;
    planned[name] = elements(item[name]).map((it) => planElement(nested.block, it, {}, hadOne));
  }
  return planned;
}

function settle(block: Block, behaviour: Behaviour, prior: Attributes, planned: Attributes): Plan {
  const changed = (name: string) => !same(prior[name], planned[name], isSet(block, name));
  const replace = (behaviour.replaceOn ?? []).filter(changed);
  replace.push(...(behaviour.replaces?.(prior, planned) ?? []));
  if (behaviour.half === "framework" && keys(planned).some(changed)) markVolatile(block, planned);
  return { planned, replace };
}

// The newer half forgets these two on every update, which shows as "(known after apply)".
function markVolatile(block: Block, planned: Attributes): void {
  for (const name of ["created_at", "status"]) {
    if (block.attributes?.[name]) planned[name] = UNKNOWN;
  }
}
