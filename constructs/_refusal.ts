import { Token } from "cdktf";
import type { Construct } from "constructs";

/** A value that the cloud or the provider would refuse later, and what to write instead. */
export interface Refusal {
  /** The prop as the user wrote it, e.g. `memoryMib` or `env.DEBUG`. */
  readonly field: string;
  /** What it was set to. */
  readonly value: unknown;
  /** The allowed range or shape, with its unit. */
  readonly allowed: string;
  /** The next move, as an imperative sentence without a full stop. */
  readonly fix: string;
}

/** Notes a refusal when its first argument holds. */
export type Refuse = (when: boolean, refusal: Refusal) => void;

/**
 * Runs a check when the tree is validated, so that all problems of all constructs come out at once
 * and each is prefixed with its construct's path. The check sees props as they are at the end of
 * construction.
 */
export function refuseAtSynth(scope: Construct, check: (refuse: Refuse) => void): void {
  scope.node.addValidation({ validate: () => collectRefusals(check) });
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

/** Whether a known number is no integer in a range. */
export function outside(value: number | undefined, min: number, max: number): boolean {
  return isKnown(value) && !(Number.isInteger(value) && value >= min && value <= max);
}

/** Whether a known text does not match a pattern. */
export function mismatches(value: string | undefined, pattern: RegExp): boolean {
  return isKnown(value) && !pattern.test(value);
}
