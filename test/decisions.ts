/** A decision that is no refusal, and a change of the source that would undo it. */
export interface Decision {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The tests that must go red. */
  readonly tests: readonly string[];
}

export const DECISIONS: readonly Decision[] = [];
