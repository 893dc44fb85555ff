import { Token } from "cdktf";
import type { Construct, IConstruct } from "constructs";

/** A value that Yandex Cloud or the provider would reject later, and what to write instead. */
export interface Refusal {
  /** The prop as the user wrote it, e.g. `memoryMib` or `env.DEBUG`. */
  readonly field: string;
  /** What it was set to. */
  readonly value: unknown;
  /** The allowed range or shape, with its unit. */
  readonly allowed: string;
  /** The next move, as an imperative sentence without a full stop. */
  readonly fix: string;
  /**
   * Where the vendor documents what it takes, and the month whose pages say so: a list that may have
   * grown since, so that `acceptAnyway` gets past it.
   */
  readonly source?: string;
}

/** Notes a refusal when its first argument holds. */
export type Refuse = (when: boolean, refusal: Refusal) => void;

/**
 * Runs a check when the tree is validated, so that all problems of all constructs come out at once
 * and each is prefixed with its construct's path. The check sees props as they are at the end of
 * construction.
 */
export function refuseAtSynth(scope: Construct, check: (refuse: Refuse) => void): void {
  const validate = () =>
    collectRefusals((refuse) =>
      check((when, refusal) => refuse(when && !isAccepted(scope, refusal), refusal)),
    );
  scope.node.addValidation({ validate });
}

/**
 * Values of an app that the cloud is known to take although the lists here, which are as old as
 * their months, do not have them. What is rejected for another reason stays rejected.
 */
export function acceptAnyway(app: IConstruct, values: readonly (string | number)[]): void {
  accepted.set(app.node.root, new Set(values.map(String)));
}

/** What an app was rejected for by the vendors' lists, with the months of these. */
export function refusedByLists(app: IConstruct): readonly Refusal[] {
  return [...(byLists.get(app.node.root)?.values() ?? [])];
}

const accepted = new WeakMap<IConstruct, ReadonlySet<string>>();
const byLists = new WeakMap<IConstruct, Map<string, Refusal>>();

function isAccepted({ node: { root } }: Construct, refusal: Refusal): boolean {
  if (refusal.source === undefined || refusal.value === undefined) return false;
  if (accepted.get(root)?.has(String(refusal.value))) return true;
  byLists.set(root, (byLists.get(root) ?? new Map()).set(String(refusal.value), refusal));
  return false;
}

/** The messages of one check. */
export function collectRefusals(check: (refuse: Refuse) => void): string[] {
  const messages: string[] = [];
  check((when, refusal) => {
    if (when) messages.push(formatRefusal(refusal));
  });
  return messages;
}

function formatRefusal({ field, value, allowed, fix }: Refusal): string {
  return `'${field}' is ${JSON.stringify(value)}, allowed: ${allowed}. ${fix}.`;
}

/** Whether a value is known at synth. Unknown ones are skipped, never guessed. */
export function isKnown<T>(value: T | undefined): value is T {
  return value !== undefined && !Token.isUnresolved(value);
}

/** Whether a known number is not an integer in a range. */
export function outside(value: number | undefined, min: number, max: number): boolean {
  return isKnown(value) && !(Number.isInteger(value) && value >= min && value <= max);
}

/** Whether a known text does not match a pattern. */
export function mismatches(value: string | undefined, pattern: RegExp): boolean {
  return isKnown(value) && !pattern.test(value);
}
