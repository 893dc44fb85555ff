/** A record of the same keys, each value made of the one before. */
export function mapRecord<T, U>(
  record: Readonly<Record<string, T>> | undefined,
  make: (key: string, value: T) => U,
): Readonly<Record<string, U>> {
  const entries = Object.entries(record ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, make(key, value)]));
}
