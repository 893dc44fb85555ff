import { expect, test } from "vitest";
// @ts-expect-error The page is JavaScript, without declarations.
import { treeOf } from "../../packages/console/page/family.js";
import type { FamilyMember } from "../../packages/console/source.ts";
import { member } from "./_example.ts";

const textOf = (members: readonly FamilyMember[]) =>
  treeOf(members).map((line: { depth: number; member?: FamilyMember; stuck?: FamilyMember }) =>
    [line.depth, line.member?.id ?? "group", ...(line.stuck ? [line.stuck.id] : [])].join(" "),
  );

test("does not indent a chain", () => {
  const chain = ["c", "b", "a"].map((id, place) =>
    member(id, { parentId: { b: "a", c: "b" }[id], publishedAt: 3 - place }),
  );
  expect(textOf(chain)).toEqual(["0 a", "0 b", "0 c"]);
});

test("shows the members of a group together, with how many are done", () => {
  const group = [
    member("a"),
    member("x", { parentId: "a", groupId: "g", state: "ok", publishedAt: 2 }),
    member("y", { parentId: "a", groupId: "g", state: "running", publishedAt: 1 }),
    member("z", { parentId: "a", publishedAt: 3 }),
  ];
  expect(textOf(group)).toEqual(["0 a", "1 group", "2 y", "2 x", "1 z"]);
  expect(treeOf(group)[1].tally).toEqual({ count: 2, ok: 1, failed: 0, open: 1 });
});

test.each(["failed", "dead", "revoked", "expired"] as const)(
  "names the member that keeps a chord from its end: %s",
  (state) => {
    const group = [member("x", { groupId: "g" }), member("y", { groupId: "g", state })];
    expect(textOf(group)).toEqual(["0 group y", "1 x", "1 y"]);
  },
);

test("takes a task whose parent is not known as a first one", () => {
  expect(textOf([member("b", { parentId: "gone" })])).toEqual(["0 b"]);
});

test("shows each task once, whatever is said of their parents", () => {
  const circle = [
    member("a", { parentId: "b" }),
    member("b", { parentId: "a" }),
    member("c", { parentId: "c" }),
  ];
  expect(
    textOf(circle)
      .map((line: string) => line.at(-1))
      .sort(),
  ).toEqual(["a", "b", "c"]);
});

test("stands a chain longer than calls can be", () => {
  const long = Array.from({ length: 20_000 }, (_, place) =>
    member(String(place), { parentId: String(place - 1), publishedAt: place }),
  );
  expect(treeOf(long)).toHaveLength(20_000);
});
