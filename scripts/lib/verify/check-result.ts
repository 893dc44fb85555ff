/** The result of one check. */
export interface CheckResult {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
  /** Whether a deploy that did its own work may still end with this. */
  readonly minor?: boolean;
}
