// Renamed: `run.mjs` puts the same import before all sources.
import { createRequire as requireFrom } from "node:module";
import { ApiError, invalid } from "./_api-error.ts";

/** Attributes by name, each as `{ S: "text" }`, `{ N: "1" }`, `{ B: "base64" }` and so on. */
export type Item = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface TableDescription {
  readonly TableName: string;
  readonly TableStatus: string;
}

/** What has become of an item: written, or gone. `key` is the engine's text for its key. */
export interface Change {
  readonly table: string;
  readonly key: string;
  readonly item?: Item;
}

export type Input = Record<string, unknown>;

type Callback = (error: unknown, value?: unknown) => void;
type Action = (store: Store, data: Input, done: Callback) => void;

interface Rules {
  readonly types: Record<string, unknown>;
  readonly custom?: unknown;
}

interface Level {
  batch(operations: readonly object[]): Promise<void>;
  iterator(range: { gte: string; lt: string }): { all(): Promise<[string, Item][]> };
  close(): Promise<void>;
}

interface Part {
  get(key: string, done: Callback): void;
  put(key: string, value: unknown, done: Callback): void;
}

interface Store {
  readonly db: Level;
  readonly tableDb: Part & { awsRegion: string };
  getItemDb(table: string): Part;
  getTable(name: string, done: Callback): void;
}

interface Database {
  create(options: object): Store;
  createKey(item: Item, table: TableDescription): string;
  validateItem(item: Item, table: TableDescription): Failure | null | undefined;
  validateKey(key: Item, table: TableDescription): Failure | null | undefined;
  updateIndexes(
    store: Store,
    table: TableDescription,
    before: unknown,
    after: unknown,
    done: Callback,
  ): void;
}

/** How dynalite says that a request is wrong. */
interface Failure {
  readonly statusCode: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Validations {
  checkTypes(data: Input, types: unknown): Input;
  checkValidations(data: Input, types: unknown, custom: unknown, store: Store): void;
}

const load = requireFrom(import.meta.url);
const REGION = "ru-central1";
/** Yandex allows folders in the names of tables. */
const TABLE_NAME = "[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*";
/** No table is ever seen half-made. */
const AT_ONCE = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };

/**
 * The tables and their items in memory, which is dynalite without its server: its actions and its
 * checks of requests. Loaded when the first engine is made, since that takes 40 ms.
 */
export class Engine {
  private readonly database = load("dynalite/db") as Database;
  private readonly store = this.database.create({ ...AT_ONCE });

  constructor() {
    this.store.tableDb.awsRegion = REGION;
  }

  /** Runs one of dynalite's operations. Fails with an `ApiError` where the request is wrong. */
  async call(operation: string, input: Input): Promise<Input> {
    const data = this.check(operation, input);
    return await this.answer((done) => actionOf(operation).action(this.store, data, done));
  }

  /** Fails with an `ApiError` where there is no such table. */
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

  /** The text for an item's key. Fails with an `ApiError` where it is not the table's. */
  keyOf(table: TableDescription, { Item: item, Key: key }: { Item?: Item; Key?: Item }): string {
    const failure = item
      ? this.database.validateItem(item, table)
      : this.database.validateKey(key ?? {}, table);
    if (failure) throw new ApiError(failure.statusCode, failure.body);
    return this.database.createKey(item ?? key ?? {}, table);
  }

  item(table: string, key: string): Promise<Item | undefined> {
    return this.answer((done) => this.store.getItemDb(table).get(key, done));
  }

  async items(table: string): Promise<Change[]> {
    const range = { gte: `item-${table}~`, lt: `item-${table}~\xff` };
    const entries = await this.store.db.iterator(range).all();
    return entries.map(([key, item]) => ({ table, key: key.slice(range.gte.length), item }));
  }

  /** Writes items as they are, unchecked: the items all at once, the indexes before them. */
  async write(changes: readonly Change[]): Promise<void> {
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

  /** The request as dynalite's actions take it. Fails with an `ApiError` where it is wrong. */
  check(operation: string, input: Input): Input {
    const { types, custom } = actionOf(operation).rules;
    const { checkTypes, checkValidations } = load("dynalite/validations") as Validations;
    try {
      const data = checkTypes({ ...input }, types);
      refuseNulls(data, "");
      checkValidations(data, types, custom, this.store);
      removeLast(data);
      return data;
    } catch (error) {
      // Its checks take some things for granted; nothing has been changed yet.
      if (error instanceof TypeError) throw invalid(`The request is misshapen: ${error.message}`);
      throw asApiError(error);
    }
  }

  private index(table: TableDescription, before?: Item, after?: Item): Promise<void> {
    return this.answer((done) =>
      this.database.updateIndexes(this.store, table, before, after, done),
    );
  }

  private answer<T>(start: (done: Callback) => void): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      start((error, value) => (error ? reject(error) : resolve(value)));
    }).catch((error) => {
      throw asApiError(error);
    }) as Promise<T>;
  }
}

function asApiError(error: unknown): unknown {
  const { statusCode, body } = error as Partial<Failure>;
  return statusCode === undefined ? error : new ApiError(statusCode, body ?? {});
}

/** A field that is null counts as left out; an element of a list or a map cannot be. */
function refuseNulls(value: unknown, place: string): void {
  if (value === null) throw invalid(`${place} is null. Give it a value, or leave it out.`);
  if (typeof value !== "object") return;
  for (const [key, child] of Object.entries(value as object)) {
    refuseNulls(
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
function removeLast({ _updates: updates }: Input): void {
  const { sections } = (updates ?? {}) as { sections?: Section[] };
  sections?.sort((one, other) =>
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

function actionOf(operation: string): { action: Action; rules: Rules } {
  const name = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
  const rules = load(`dynalite/validations/${name}`) as Rules;
  allowFolders(rules.types);
  return { action: load(`dynalite/actions/${name}`), rules };
}

/** The tables' names, wherever a request may have them. */
function allowFolders({ TableName, ExclusiveStartTableName, RequestItems }: Rules["types"]): void {
  const keys = (RequestItems as { keys?: object } | undefined)?.keys;
  for (const rule of [TableName, ExclusiveStartTableName, keys]) {
    if (rule) Object.assign(rule, { regex: TABLE_NAME });
  }
}
