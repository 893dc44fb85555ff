const UNITS: Record<string, number> = { h: 3600, m: 60, s: 1 };

/** Seconds of a Go duration such as `1h30m`; NaN for anything else. */
export function seconds(duration: string): number {
  if (!/^(\d+(\.\d+)?[hms])+$/.test(duration)) return Number.NaN;
  const parts = duration.matchAll(/(\d+(?:\.\d+)?)([hms])/g);
  return [...parts].reduce((sum, [, n, unit]) => sum + Number(n) * (UNITS[unit ?? ""] ?? 0), 0);
}

/** How Go prints a duration: 90 seconds are `1m30s`. */
export function goDuration(total: number): string {
  const [hours, minutes, rest] = [
    Math.floor(total / 3600),
    Math.floor(total / 60) % 60,
    total % 60,
  ];
  return `${hours ? `${hours}h` : ""}${hours || minutes ? `${minutes}m` : ""}${rest}s`;
}

export function sameDuration(a: string, b: string): boolean {
  return a === b || seconds(a) === seconds(b);
}
