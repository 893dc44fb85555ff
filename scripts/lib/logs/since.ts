import { UsageError } from "../shell/command-line.ts";

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * The time that `--since` names, in milliseconds since the epoch: so long ago, or a time, on this
 * machine's clock unless it says otherwise.
 *
 * @throws UsageError
 */
export function parseSince(text: string, now: number): number {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  // A date alone would be read as UTC.
  const time = text.length === 10 ? `${text}T00:00` : text.replace(" ", "T");
  const since = count
    ? now - Number(count) * (UNITS[unit] ?? 0)
    : TIME.test(text)
      ? Date.parse(time)
      : Number.NaN;
  if (Number.isNaN(since)) {
    throw new UsageError(
      `--since takes 90s, 30m, 2h or 3d, or a time such as 2026-01-31, 2026-01-31T12:00 or 2026-01-31T12:00:00Z (got ${JSON.stringify(text)}).`,
    );
  }
  if (since > now) throw new UsageError(`--since is in the future (got ${JSON.stringify(text)}).`);
  return since;
}
