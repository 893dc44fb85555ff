import type { Change, Item, TableDescription } from "./_engine.ts";

/** What a journal of tables is made of, in the order in which it happened. */
export type Entry =
  | { readonly type: "table"; readonly description: TableDescription }
  | { readonly type: "dropped"; readonly table: string }
  | { readonly type: "expiry"; readonly table: string; readonly attribute?: string }
  /** Written together, or not at all. */
  | { readonly type: "items"; readonly changes: readonly Change[] };

/** All that entries amount to. */
export interface State {
  readonly tables: readonly TableDescription[];
  /** The attribute by which a table's items expire. */
  readonly expiry: ReadonlyMap<string, string>;
  readonly items: readonly Change[];
}

export function replay(entries: readonly Entry[]): State {
  const state = { tables: new Map(), expiry: new Map(), items: new Map() };
  for (const entry of entries) apply(state, entry);
  const { tables, expiry, items } = state;
  return { tables: [...tables.values()], expiry, items: [...items].flatMap(changesOf) };
}

interface Parts {
  readonly tables: Map<string, TableDescription>;
  readonly expiry: Map<string, string>;
  readonly items: Map<string, Map<string, Item>>;
}

function apply({ tables, expiry, items }: Parts, entry: Entry): void {
  switch (entry.type) {
    case "table":
      tables.set(entry.description.TableName, entry.description);
      if (!items.has(entry.description.TableName)) {
        items.set(entry.description.TableName, new Map());
      }
      break;
    case "dropped":
      for (const part of [tables, expiry, items]) part.delete(entry.table);
      break;
    case "expiry":
      setOrDelete(expiry, entry.table, entry.attribute);
      break;
    case "items":
      for (const { table, key, item } of entry.changes) setOrDelete(items.get(table), key, item);
  }
}

/** How many entries it takes. */
export function sizeOf({ tables, expiry, items }: State): number {
  return tables.length + expiry.size + items.length;
}

/** The shortest entries that amount to the same. */
export function summarize({ tables, expiry, items }: State): Entry[] {
  return [
    ...tables.map((description): Entry => ({ type: "table", description })),
    ...[...expiry].map(([table, attribute]): Entry => ({ type: "expiry", table, attribute })),
    ...items.map((change): Entry => ({ type: "items", changes: [change] })),
  ];
}

function changesOf([table, items]: [string, Map<string, Item>]): Change[] {
  return [...items].map(([key, item]) => ({ table, key, item }));
}

function setOrDelete<V>(map: Map<string, V> | undefined, key: string, value: V | undefined): void {
  if (value === undefined) map?.delete(key);
  else map?.set(key, value);
}
