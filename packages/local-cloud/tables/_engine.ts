// Renamed: `run.mjs` puts the same import before all sources.
import { createRequire as requireFrom } from "node:module";
import { isObject, type JsonObject } from "../support/json.ts";
import { DocumentApiError, invalid } from "./_errors.ts";

/** Attributes by name, each as `{ S: "text" }`, `{ N: "1" }`, `{ B: "base64" }` and so on. */
export type Item = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A table as DescribeTable shows it, as far as it matters here. */
export interface TableDescription {
  readonly TableName: string;
  readonly TableStatus: string;
}

/** What has become of an item: written, or gone. `key` is the engine's text for its key. */
export interface ItemChange {
  readonly table: string;
  readonly key: string;
  readonly item?: Item;
}

type Callback<T> = (error: unknown, value: T) => void;
type DynaliteAction = (store: DynaliteStore, data: JsonObject, done: Callback<JsonObject>) => void;

/** How dynalite checks an operation's request. */
interface Rules {
  readonly types: {
    readonly TableName?: object;
    readonly ExclusiveStartTableName?: object;
    readonly RequestItems?: { readonly keys?: object };
  };
  readonly custom?: unknown;
}

interface Level {
  batch(operations: readonly object[]): Promise<void>;
  iterator(range: { gte: string; lt: string }): { all(): Promise<[string, Item][]> };
  close(): Promise<void>;
}

interface Sublevel<T> {
  get(key: string, done: Callback<T | undefined>): void;
  put(key: string, value: T, done: Callback<void>): void;
}

interface DynaliteStore {
  readonly db: Level;
  readonly tableDb: Sublevel<TableDescription> & { awsRegion: string };
  getItemDb(table: string): Sublevel<Item>;
  getTable(name: string, done: Callback<TableDescription>): void;
}

interface DynaliteDatabase {
  create(options: object): DynaliteStore;
  createKey(item: Item, table: TableDescription): string;
  validateItem(item: Item, table: TableDescription): Failure | null | undefined;
  validateKey(key: Item, table: TableDescription): Failure | null | undefined;
  updateIndexes(
    store: DynaliteStore,
    table: TableDescription,
    before: Item | undefined,
    after: Item | undefined,
    done: Callback<void>,
  ): void;
}

/** How dynalite says that a request is wrong. */
interface Failure {
  readonly statusCode: number;
  readonly body: JsonObject;
}

/** A request that dynalite has checked, its update expression parsed. */
type CheckedRequest = JsonObject & { readonly _updates?: { readonly sections?: Section[] } };

interface Validations {
  checkTypes(data: JsonObject, types: unknown): CheckedRequest;
  checkValidations(
    data: CheckedRequest,
    types: unknown,
    custom: unknown,
    store: DynaliteStore,
  ): void;
}

const load = requireFrom(import.meta.url);
const REGION = "ru-central1";
/** Yandex allows folders in the names of tables. */
const TABLE_NAME = "[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*";
/** No table is ever seen half created. */
const AT_ONCE = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };

/**
 * The tables and their items in memory, by dynalite without its server: its actions and its checks
 * of requests. Loaded when the first engine is created, since that takes 40 ms.
 */
export class Engine {
  private readonly database: DynaliteDatabase = load("dynalite/db");
  private readonly store = this.database.create({ ...AT_ONCE });

  constructor() {
    this.store.tableDb.awsRegion = REGION;
  }

  /** Runs one of dynalite's operations. Fails with a `DocumentApiError` where the request is wrong. */
  async call(operation: string, input: JsonObject): Promise<JsonObject> {
    const data = this.check(operation, input);
    return await this.answer((done) => actionOf(operation).action(this.store, data, done));
  }

  /** Fails with a `DocumentApiError` where there is no such table. */
  table(name: string): Promise<TableDescription> {
    return this.answer((done) => this.store.getTable(name, done));
  }

  /** The table as it is at the moment, or nothing. */
  tryTable(name: string): Promise<TableDescription | undefined> {
    return this.answer((done) => this.store.tableDb.get(name, done));
  }

  putTable(description: TableDescription): Promise<void> {
    return this.answer((done) => this.store.tableDb.put(description.TableName, description, done));
  }

  /** The text for an item's key. Fails with a `DocumentApiError` where it is not the table's. */
  keyOf(table: TableDescription, { Item: item, Key: key }: { Item?: Item; Key?: Item }): string {
    const failure = item
      ? this.database.validateItem(item, table)
      : this.database.validateKey(key ?? {}, table);
    if (failure) throw new DocumentApiError(failure.statusCode, failure.body);
    return this.database.createKey(item ?? key ?? {}, table);
  }

  item(table: string, key: string): Promise<Item | undefined> {
    return this.answer((done) => this.store.getItemDb(table).get(key, done));
  }

  async items(table: string): Promise<ItemChange[]> {
    const range = { gte: `item-${table}~`, lt: `item-${table}~\xff` };
    const entries = await this.store.db.iterator(range).all();
    return entries.map(([key, item]) => ({ table, key: key.slice(range.gte.length), item }));
  }

  /** Writes items as they are, unchecked: the items all at once, the indexes before them. */
  async write(changes: readonly ItemChange[]): Promise<void> {
    const tables = new Map<string, TableDescription>();
    for (const { table, key, item } of changes) {
      const description = tables.get(table) ?? (await this.table(table));
      tables.set(table, description);
      if ("GlobalSecondaryIndexes" in description || "LocalSecondaryIndexes" in description) {
        await this.index(description, await this.item(table, key), item);
      }
    }
    await this.store.db.batch(
      changes.map(({ table, key, item: value }) => {
        const path = `item-${table}~${key}`;
        return value ? { type: "put", key: path, value } : { type: "del", key: path };
      }),
    );
  }

  close(): Promise<void> {
    return this.store.db.close();
  }

  /** The request as dynalite's actions take it. Fails with a `DocumentApiError` where it is wrong. */
  private check(operation: string, input: JsonObject): CheckedRequest {
    const { types, custom } = actionOf(operation).rules;
    const { checkTypes, checkValidations }: Validations = load("dynalite/validations");
    try {
      const data = checkTypes({ ...input }, types);
      rejectNulls(data, "");
      checkValidations(data, types, custom, this.store);
      removeLast(data);
      return data;
    } catch (error) {
      // Its checks take some things for granted; nothing has been changed yet.
      if (error instanceof TypeError) throw invalid(`The request is malformed: ${error.message}`);
      throw asApiError(error);
    }
  }

  private index(table: TableDescription, before?: Item, after?: Item): Promise<void> {
    return this.answer((done) =>
      this.database.updateIndexes(this.store, table, before, after, done),
    );
  }

  private async answer<T>(start: (done: Callback<T>) => void): Promise<T> {
    try {
      return await new Promise<T>((resolve, reject) => {
        start((error, value) => (error ? reject(error) : resolve(value)));
      });
    } catch (error) {
      throw asApiError(error);
    }
  }
}

function asApiError(error: unknown): unknown {
  if (!isObject(error) || typeof error.statusCode !== "number") return error;
  return new DocumentApiError(error.statusCode, isObject(error.body) ? error.body : {});
}

/** A field that is null counts as left out; an element of a list or a map cannot be. */
function rejectNulls(value: unknown, place: string): void {
  if (value === null) throw invalid(`${place} is null. Give it a value, or leave it out.`);
  if (typeof value !== "object") return;
  for (const [key, child] of Object.entries(value)) {
    rejectNulls(
      child,
      Array.isArray(value) ? `${place}[${key}]` : `${place}.${key}`.replace(/^\./, ""),
    );
  }
}

interface Section {
  readonly type: "set" | "add" | "delete" | "remove";
  readonly path: readonly (string | number)[];
}

/** Elements of lists go by the places that they had: after everything else, the last one first. */
function removeLast({ _updates: updates }: CheckedRequest): void {
  updates?.sections?.sort((one, other) =>
    one.type === "remove" && other.type === "remove"
      ? comparePlaces(other.path, one.path)
      : Number(one.type === "remove") - Number(other.type === "remove"),
  );
}

function comparePlaces(one: Section["path"], other: Section["path"]): number {
  const at = one.findIndex((step, index) => step !== other[index]);
  const [left = 0, right = 0] = [one[at], other[at]];
  if (typeof left === "number" && typeof right === "number") return left - right;
  return String(left) < String(right) ? -1 : 1;
}

function actionOf(operation: string): { action: DynaliteAction; rules: Rules } {
  const name = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
  const rules: Rules = load(`dynalite/validations/${name}`);
  allowFolders(rules.types);
  return { action: load(`dynalite/actions/${name}`), rules };
}

/** The tables' names, wherever a request may have them. */
function allowFolders({ TableName, ExclusiveStartTableName, RequestItems }: Rules["types"]): void {
  for (const rule of [TableName, ExclusiveStartTableName, RequestItems?.keys]) {
    if (rule) Object.assign(rule, { regex: TABLE_NAME });
  }
}
