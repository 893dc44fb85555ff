import type { Report } from "../events/event.ts";
import type { Clock } from "../support/clock.ts";
import { isObject, type JsonObject } from "../support/json.ts";
import type { Item, ItemChange, TableDescription } from "./_engine.ts";
import { invalid, rejection } from "./_errors.ts";
import type { TableRecord } from "./_records.ts";
import { storedResult } from "./_results.ts";
import { TableStore } from "./_store.ts";

const RESULTS_KEY = "id";
const RESULTS_EXPIRY = "ttl";

const READING = ["DescribeTable", "ListTables", "GetItem", "BatchGetItem", "Query", "Scan"];
const WRITING = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"];

/** Where the tables are kept, and who learns of results. */
export interface TablesOptions {
  readonly report: Report;
  readonly clock?: Clock;
  /** Folder of the journal that keeps the tables. Without it they are gone with the process. */
  readonly directory?: string;
}

/**
 * The Document API without a server: its operations except transactions. Results that Celery writes
 * are reported. Items expire within two seconds; the cloud takes up to two days.
 *
 * @see https://yandex.cloud/en/docs/ydb/docapi/api-ref/
 */
export class Tables {
  private readonly store: TableStore;

  static async open({ report, clock, directory }: TablesOptions): Promise<Tables> {
    return new Tables(
      await TableStore.open({
        clock,
        directory,
        accepted: (record) => reportResults(record, report),
      }),
    );
  }

  private constructor(store: TableStore) {
    this.store = store;
  }

  /**
   * Answers one operation. Fails with a `DocumentApiError` where the cloud would reject it. What is
   * answered is on the disk, if there is a journal.
   */
  async call(operation: string, input: JsonObject): Promise<JsonObject> {
    const { engine } = this.store;
    if (READING.includes(operation)) return await engine.call(operation, input);
    if (WRITING.includes(operation)) return await this.write(operation, input);
    switch (operation) {
      case "CreateTable":
        return await this.changeTable(operation, completeTable(input));
      case "UpdateTable":
      case "DeleteTable":
        return await this.changeTable(operation, input);
      case "TransactGetItems":
      case "TransactWriteItems":
        throw rejection(
          "UnknownOperationException",
          `${operation} is not emulated; in the cloud the Document API supports it`,
        );
      case "DescribeTimeToLive":
        return await this.describeExpiry(input);
      case "UpdateTimeToLive":
        return await this.updateExpiry(input);
      default:
        throw rejection("UnknownOperationException", `The Document API has no ${operation}`);
    }
  }

  /** Creates the table in which Celery keeps its results, as `npm run table` does in the cloud. */
  async ensureResultsTable(table: string): Promise<void> {
    if (await this.store.engine.tryTable(table)) return;
    await this.call("CreateTable", {
      TableName: table,
      AttributeDefinitions: [{ AttributeName: RESULTS_KEY, AttributeType: "S" }],
      KeySchema: [{ AttributeName: RESULTS_KEY, KeyType: "HASH" }],
    });
    await this.call("UpdateTimeToLive", {
      TableName: table,
      TimeToLiveSpecification: { AttributeName: RESULTS_EXPIRY, Enabled: true },
    });
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private write(operation: string, input: JsonObject): Promise<JsonObject> {
    return this.store.accept(async () => {
      const output = await this.store.engine.call(operation, input);
      const changes = await Promise.all(targetsOf(input).map((target) => this.readBack(target)));
      return { output, record: { type: "items", changes } };
    });
  }

  private async readBack({ table, ...target }: WriteTarget): Promise<ItemChange> {
    const { engine } = this.store;
    const key = engine.keyOf(await engine.table(table), target);
    return { table, key, item: await engine.item(table, key) };
  }

  private changeTable(operation: string, input: JsonObject): Promise<JsonObject> {
    return this.store.accept(async () => {
      const output = await this.store.engine.call(operation, input);
      const table = String(input.TableName);
      const description = await this.settled(table);
      const record: TableRecord = description
        ? { type: "table", description }
        : { type: "dropped", table };
      return { output, record };
    });
  }

  /** The table once dynalite is done with it, which is a moment after its answer. */
  private async settled(table: string): Promise<TableDescription | undefined> {
    for (;;) {
      const description = await this.store.engine.tryTable(table);
      if (!description || description.TableStatus === "ACTIVE") return description;
    }
  }

  private async describeExpiry({ TableName }: JsonObject): Promise<JsonObject> {
    const { TableName: table } = await this.store.engine.table(String(TableName));
    const AttributeName = this.store.expiry.attributeOf(table);
    const TimeToLiveStatus = AttributeName === undefined ? "DISABLED" : "ENABLED";
    return { TimeToLiveDescription: { TimeToLiveStatus, AttributeName } };
  }

  private updateExpiry({ TableName, TimeToLiveSpecification }: JsonObject): Promise<JsonObject> {
    return this.store.accept(async () => {
      const { TableName: table } = await this.store.engine.table(String(TableName));
      const current = this.store.expiry.attributeOf(table);
      const attribute = nextExpiry(TimeToLiveSpecification, current);
      const output = { TimeToLiveSpecification };
      return { output, record: { type: "expiry", table, attribute } };
    });
  }
}

function reportResults(record: TableRecord, report: Report): void {
  for (const change of record.type === "items" ? record.changes : []) {
    const stored = storedResult(change);
    if (stored) report(stored);
  }
}

interface WriteTarget {
  readonly table: string;
  readonly Item?: Item;
  readonly Key?: Item;
}

/** The items that a request writes, which the engine has checked. */
function targetsOf(input: JsonObject): WriteTarget[] {
  const { TableName, RequestItems } = input;
  if (TableName !== undefined) return [{ ...input, table: String(TableName) }];
  return Object.entries(isObject(RequestItems) ? RequestItems : {}).flatMap(([table, requests]) =>
    (Array.isArray(requests) ? requests : []).flatMap((request) =>
      Object.values<object>(request).map((target) => ({ ...target, table })),
    ),
  );
}

/**
 * The Document API knows no provisioned throughput, so a request need not say anything about it.
 * Its indexes hold whole items only.
 *
 * @see https://yandex.cloud/en/docs/ydb/docapi/api-ref/actions/createTable
 */
function completeTable(input: JsonObject): JsonObject {
  const { GlobalSecondaryIndexes: indexes } = input;
  for (const index of Array.isArray(indexes) ? indexes : []) {
    const type = index?.Projection?.ProjectionType;
    // What is not an index at all is rejected with everything else.
    if (type !== "ALL" && typeof index === "object" && index !== null) {
      throw invalid(`ProjectionType is ${type}. The Document API supports ALL only.`);
    }
  }
  return input.ProvisionedThroughput ? input : { BillingMode: "PAY_PER_REQUEST", ...input };
}

/** By which attribute items expire from now on, if they do. */
function nextExpiry(specification: unknown, current: string | undefined): string | undefined {
  const { AttributeName, Enabled } = isObject(specification) ? specification : {};
  if (typeof AttributeName !== "string" || typeof Enabled !== "boolean") {
    throw invalid("TimeToLiveSpecification needs AttributeName and Enabled");
  }
  if (current !== undefined && current !== AttributeName) {
    throw invalid(
      `TimeToLive is active on a different AttributeName: current AttributeName is ${current}`,
    );
  }
  if (Enabled === (current !== undefined)) {
    throw invalid(`TimeToLive is already ${Enabled ? "enabled" : "disabled"}`);
  }
  return Enabled ? AttributeName : undefined;
}
