import { GetItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTables } from "./_tables.ts";

let tables: Awaited<ReturnType<typeof openTables>>;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

const Key = { id: { S: "item" } };
const numbers = (...values: number[]) => ({ L: values.map((value) => ({ N: String(value) })) });
const texts = (...SS: string[]) => ({ SS });

/** What an update makes of an item. */
async function update(
  before: object,
  UpdateExpression: string,
  ExpressionAttributeValues?: object,
): Promise<object | undefined> {
  const TableName = "celery";
  await tables.client.send(new PutItemCommand({ TableName, Item: { ...Key, ...before } }));
  await tables.client.send(
    new UpdateItemCommand({
      ...{ TableName, Key, UpdateExpression },
      ...(ExpressionAttributeValues && {
        ExpressionAttributeValues: ExpressionAttributeValues as never,
      }),
    }),
  );
  const { Item } = await tables.client.send(new GetItemCommand({ TableName, Key }));
  const { id: _, ...after } = Item ?? {};
  return after;
}

describe("an update", () => {
  const five = { l: numbers(1, 2, 3, 4, 5) };
  const deep = { l: { L: [{ M: { a: { N: "1" }, b: { N: "2" } } }, { M: { a: { N: "3" } } }] } };
  const nested = { m: { M: { l: numbers(1, 2, 3) } }, l: numbers(7, 8, 9) };
  const one = { ":v": { N: "0" } };

  test.each<[string, object, object, object?]>([
    ["REMOVE l[0], l[1], l[2]", five, { l: numbers(4, 5) }],
    ["REMOVE l[2], l[0]", five, { l: numbers(2, 4, 5) }],
    ["REMOVE l[4], l[9]", five, { l: numbers(1, 2, 3, 4) }],
    ["REMOVE l[0] SET l[2] = :v", five, { l: numbers(2, 0, 4, 5) }, one],
    ["SET l[1] = l[3] REMOVE l[3], l[0]", five, { l: numbers(4, 3, 5) }],
    ["REMOVE l[0] SET l[7] = :v, l[9] = :v", five, { l: numbers(2, 3, 4, 5, 0, 0) }, one],
    ["REMOVE l[0], l[1].a", deep, { l: { L: [{ M: {} }] } }],
    ["REMOVE l[0], m.l[0], l[1], m.l[2]", nested, { m: { M: { l: numbers(2) } }, l: numbers(9) }],
    ["REMOVE nothing, l", five, {}],
    ["ADD s :v", {}, { s: texts("a", "b") }, { ":v": texts("a", "b") }],
    ["ADD s :v", { s: texts("a") }, { s: texts("a", "b") }, { ":v": texts("a", "b") }],
    ["ADD n :v", {}, { n: { N: "2" } }, { ":v": { N: "2" } }],
    ["ADD n :v", { n: { N: "40" } }, { n: { N: "42" } }, { ":v": { N: "2" } }],
    ["ADD n :v", { n: { NS: ["1"] } }, { n: { NS: ["1", "2"] } }, { ":v": { NS: ["1", "2"] } }],
    ["DELETE s :v", { s: texts("a", "b") }, { s: texts("b") }, { ":v": texts("a", "z") }],
    ["DELETE s :v", { s: texts("a") }, {}, { ":v": texts("a") }],
    ["DELETE s :v", {}, {}, { ":v": texts("a") }],
    ["SET l = list_append(l, :v)", { l: numbers(1) }, { l: numbers(1, 2) }, { ":v": numbers(2) }],
    ["SET a = if_not_exists(a, :v)", {}, { a: { N: "0" } }, one],
    ["SET a = b, b = a", { a: { N: "1" }, b: { N: "2" } }, { a: { N: "2" }, b: { N: "1" } }],
  ])("%s of %j is %j", async (expression, before, after, values) => {
    expect(await update(before, expression, values)).toEqual(after);
  });

  test("that counts members of a set at once counts each once", async () => {
    const add = (member: string) =>
      tables.client.send(
        new UpdateItemCommand({
          ...{ TableName: "celery", Key: { id: { S: "members" } }, UpdateExpression: "ADD s :v" },
          ...{ ExpressionAttributeValues: { ":v": texts(member) }, ReturnValues: "ALL_NEW" },
        }),
      );
    const members = Array.from({ length: 40 }, (_, index) => `member ${index % 20}`);
    const answers = await Promise.all(members.map(add));
    const sizes = answers.map(({ Attributes }) => Attributes?.s?.SS?.length ?? 0);
    expect(Math.max(...sizes)).toBe(20);
    expect(new Set(sizes.filter((size) => size < 20)).size).toBe(19);
  });

  test.each([
    ["ADD n :v", { n: { S: "text" } }, { ":v": { N: "1" } }],
    ["ADD s :v", { s: { L: [] } }, { ":v": texts("a") }],
    ["SET l[0] = :v", { l: { S: "text" } }, { ":v": { N: "1" } }],
    ["SET n = n + :v", {}, { ":v": { N: "1" } }],
    ["SET id = :v", {}, { ":v": { S: "other" } }],
  ])("%s of %j is refused", async (expression, before, values) => {
    await expect(update(before, expression, values)).rejects.toMatchObject({
      name: "ValidationException",
    });
  });
});
