import { expect, test } from "vitest";
import { type DeadLetter, groupLetters } from "../../packages/console/groups.ts";

function letter(messageId: string, fields: Partial<DeadLetter> = {}): DeadLetter {
  const task = { taskId: `t-${messageId}`, name: "shop.pay", queue: "default" };
  const error = { type: "ConnectionError", message: "bank timeout" };
  return { messageId, ...task, sentAt: 1000, error, ...fields };
}

test("groups dead letters by task, queue and type of error, the largest group first", () => {
  const groups = groupLetters([
    letter("a", { name: "shop.mail", error: undefined }),
    letter("b"),
    letter("c", { sentAt: 500 }),
    letter("d", { queue: "heavy" }),
    letter("e", { error: { type: "ValueError", message: "" } }),
  ]);

  expect(groups).toHaveLength(4);
  expect(groups[0]).toEqual({
    ...{ name: "shop.pay", queue: "default", count: 2, oldestAt: 500 },
    error: { type: "ConnectionError", message: "bank timeout" },
    letters: [
      { messageId: "b", taskId: "t-b" },
      { messageId: "c", taskId: "t-c" },
    ],
  });
  expect(groups[1]).toMatchObject({ name: "shop.mail", error: { type: "", message: "" } });
});

test("several messages of one type of error are one group, without one of them", () => {
  const other = { type: "ConnectionError", message: "no route" };
  const groups = groupLetters([letter("a"), letter("b", { error: other }), letter("c")]);
  expect(groups).toMatchObject([{ count: 3, error: { type: "ConnectionError", message: "" } }]);
});
