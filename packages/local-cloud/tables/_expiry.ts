import type { ItemChange } from "./_engine.ts";

/** Which items expire, and when. */
export class Expiry {
  private readonly attributes = new Map<string, string>();
  /** By table and key, in seconds since the epoch. */
  private readonly ends = new Map<string, Map<string, number>>();

  /** By which attribute a table's items expire, if they do. */
  attributeOf(table: string): string | undefined {
    return this.attributes.get(table);
  }

  /** From now on; the items that are there already have to be noted. */
  enable(table: string, attribute: string): void {
    this.attributes.set(table, attribute);
    this.ends.set(table, new Map());
  }

  disable(table: string): void {
    this.attributes.delete(table);
    this.ends.delete(table);
  }

  note(changes: readonly ItemChange[]): void {
    for (const { table, key, item } of changes) {
      const end = Number(item?.[this.attributes.get(table) ?? ""]?.N);
      const ends = this.ends.get(table);
      if (Number.isNaN(end)) ends?.delete(key);
      else ends?.set(key, end);
    }
  }

  /** The deletions that are due. `now` in milliseconds since the epoch. */
  due(now: number): ItemChange[] {
    return [...this.ends].flatMap(([table, ends]) =>
      [...ends].filter(([, end]) => end * 1000 < now).map(([key]) => ({ table, key })),
    );
  }
}
