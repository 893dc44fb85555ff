import type { ItemChange, TableDescription } from "./_engine.ts";

/** Whatever happens to tables and items. */
export type TableRecord =
  | { readonly type: "table"; readonly description: TableDescription }
  | { readonly type: "dropped"; readonly table: string }
  | { readonly type: "expiry"; readonly table: string; readonly attribute?: string }
  /** Written together, or not at all. */
  | { readonly type: "items"; readonly changes: readonly ItemChange[] };

interface TableState {
  table?: TableRecord;
  expiry?: TableRecord;
  readonly items: Map<string, ItemChange>;
}

/** The shortest records that amount to the same: a table, its expiry, and each item once. */
export function shorten(records: readonly TableRecord[]): TableRecord[] {
  const tables = new Map<string, TableState>();
  const stateOf = (name: string): TableState => {
    const state = tables.get(name) ?? { items: new Map() };
    tables.set(name, state);
    return state;
  };
  for (const record of records) {
    if (record.type === "table") stateOf(record.description.TableName).table = record;
    else if (record.type === "dropped") tables.delete(record.table);
    else if (record.type === "expiry") stateOf(record.table).expiry = record;
    else for (const change of record.changes) stateOf(change.table).items.set(change.key, change);
  }
  return [...tables.values()].flatMap(recordsOf);
}

function recordsOf({ table, expiry, items }: TableState): TableRecord[] {
  const written = [...items.values()].filter(({ item }) => item !== undefined);
  return [
    ...(table ? [table] : []),
    ...(expiry?.type === "expiry" && expiry.attribute !== undefined ? [expiry] : []),
    ...written.map((change): TableRecord => ({ type: "items", changes: [change] })),
  ];
}
