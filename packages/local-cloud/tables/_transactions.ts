import { ApiError, invalid, refusal } from "./_api-error.ts";
import { type Change, Engine, type Input, type Item, type TableDescription } from "./_engine.ts";

// https://yandex.cloud/en/docs/ydb/docapi/api-ref/actions/transactWriteItems
const MAX_ACTIONS = 25;

/** The operation that does what an action of a transaction does. */
const OPERATIONS: Readonly<Record<string, string>> = {
  Put: "PutItem",
  Update: "UpdateItem",
  Delete: "DeleteItem",
  ConditionCheck: "DeleteItem",
};

interface Write {
  readonly action: string;
  readonly input: Input;
  readonly table: TableDescription;
  readonly key: string;
}

/**
 * What a `TransactWriteItems` changes, worked out on copies of its items. Fails where an action
 * fails, with the reason for each; nothing has been changed then.
 */
export async function planTransaction(engine: Engine, input: Input): Promise<Change[]> {
  const writes = await Promise.all(
    actionsOf(input, Object.keys(OPERATIONS)).map((action) => locate(engine, action)),
  );
  const targets = writes.map(({ table, key }) => `${table.TableName}/${key}`);
  if (new Set(targets).size < targets.length) {
    throw invalid("Transaction request cannot include multiple operations on one item");
  }
  const copy = new Engine();
  const outcomes = await Promise.all(writes.map((write) => attempt(engine, copy, write)));
  await copy.close();
  if (outcomes.some(({ reason }) => reason)) {
    throw canceled(outcomes.map(({ reason }) => reason ?? { Code: "None" }));
  }
  return outcomes.flatMap(({ change }) => change ?? []);
}

/** Reads all items of a `TransactGetItems` as they are at one moment, if nothing writes meanwhile. */
export async function readTogether(engine: Engine, input: Input): Promise<Input> {
  const gets = actionsOf(input, ["Get"]);
  const Responses = await Promise.all(
    gets.map(async ({ input }) => {
      const { Item } = await engine.call("GetItem", input);
      return Item ? { Item } : {};
    }),
  );
  return { Responses };
}

function actionsOf(
  { TransactItems }: Input,
  allowed: readonly string[],
): { action: string; input: Input }[] {
  const items = Array.isArray(TransactItems) ? TransactItems : [];
  if (items.length < 1 || items.length > MAX_ACTIONS) {
    throw invalid(`TransactItems has ${items.length} items. 1 to ${MAX_ACTIONS} are allowed.`);
  }
  return items.map((item: Record<string, Input> | null) => {
    const given = Object.entries(item ?? {}).filter(([, input]) => isStructure(input));
    const [[action, input] = ["", {}], ...more] = given;
    if (!allowed.includes(action) || more.length > 0) {
      throw invalid(`TransactItems can only contain one of ${allowed.join(", ")} in each item`);
    }
    return { action, input };
  });
}

function isStructure(input: unknown): boolean {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}

async function locate(
  engine: Engine,
  { action, input }: { action: string; input: Input },
): Promise<Write> {
  if (action === "ConditionCheck" && input.ConditionExpression === undefined) {
    throw invalid("The parameter 'ConditionExpression' is required in ConditionCheck");
  }
  engine.check(OPERATIONS[action] ?? "", input);
  const table = await engine.table(String(input.TableName));
  return { action, input, table, key: engine.keyOf(table, input) };
}

/** Why an action cannot be done. */
interface Reason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: Item;
}

async function attempt(
  engine: Engine,
  copy: Engine,
  { action, input, table, key }: Write,
): Promise<{ readonly change?: Change; readonly reason?: Reason }> {
  const before = await engine.item(table.TableName, key);
  await copy.putTable(table);
  if (before) await copy.write([{ table: table.TableName, key, item: before }]);
  try {
    await copy.call(OPERATIONS[action] ?? "", input);
  } catch (error) {
    return { reason: reasonFor(error, input, before) };
  }
  if (action === "ConditionCheck") return {};
  const item = await copy.item(table.TableName, key);
  return { change: { table: table.TableName, key, item } };
}

function reasonFor(error: unknown, input: Input, before?: Item): Reason {
  if (!(error instanceof ApiError)) throw error;
  if (error.code === "ConditionalCheckFailedException") {
    const wanted = input.ReturnValuesOnConditionCheckFailure === "ALL_OLD";
    return {
      Code: "ConditionalCheckFailed",
      Message: error.message,
      ...(wanted && before && { Item: before }),
    };
  }
  return { Code: "ValidationError", Message: error.message };
}

function canceled(reasons: readonly Reason[]): ApiError {
  const codes = reasons.map(({ Code }) => Code).join(", ");
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
  return refusal("TransactionCanceledException", message, {
    // Clients read this error's text under this name.
    Message: message,
    CancellationReasons: reasons,
  });
}
