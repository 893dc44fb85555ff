import { describe, expect, test } from "vitest";
// @ts-expect-error The page is JavaScript, without declarations.
import * as page from "../../packages/console/page/store.js";
import type { TaskSummary } from "../../packages/console/source.ts";

const { TaskStore, barOf, readPlace, timeOf, writePlace } = page;

describe("the tasks of the page", () => {
  test("are listed with the last changed first, each as it was said last", () => {
    const store = new TaskStore();

    store.put([task("a", 1), task("b", 2)]);
    const news = store.put([task("a", 3, "ok"), task("b", 1, "running")]);

    expect([...news]).toEqual(["a"]);
    expect(shown(store)).toEqual(["a ok", "b waiting"]);
  });

  test.each([
    ["all", "", ["d dead", "c failed", "b running", "a waiting"]],
    ["waiting", "", ["a waiting"]],
    ["running", "", ["b running"]],
    ["failed", "", ["d dead", "c failed"]],
    ["dead", "", ["d dead"]],
    ["all", " PAY.B ", ["b running"]],
    ["failed", "pay", ["d dead", "c failed"]],
    ["all", "77", ["d dead", "c failed", "b running", "a waiting"]],
    ["all", "none", []],
  ])("that are %s with %j in them", (show, search, expected) => {
    const store = new TaskStore();
    store.put([
      task("a", 1),
      task("b", 2, "running"),
      task("c", 3, "failed"),
      task("d", 4, "dead"),
    ]);

    store.filter(show, search);

    expect(shown(store)).toEqual(expected);
  });

  test("that the server has found are listed, though their summaries do not say why", () => {
    const store = new TaskStore();
    store.filter("all", "deep in the arguments");

    store.begin();
    store.load({ tasks: [task("a", 1)], more: false });

    expect(shown(store)).toEqual(["a waiting"]);
  });

  test("that the server has forgotten are gone, but not what has changed since it was asked", () => {
    const store = new TaskStore();
    store.put([task("old", 1), task("kept", 2)]);

    store.begin();
    store.put([task("new", 3)]);
    store.load({ tasks: [task("kept", 2)], more: false });

    expect(shown(store)).toEqual(["new waiting", "kept waiting"]);
  });

  test("that are older than a list with more behind it are not listed before they are fetched", () => {
    const store = new TaskStore();
    store.put([task("a", 1), task("d", 4)]);

    store.begin();
    store.load({ tasks: [task("d", 4), task("c", 3)], more: true });
    expect([shown(store), store.more, store.before]).toEqual([["d waiting", "c waiting"], true, 4]);

    store.loadOlder({ tasks: [task("c", 3), task("b", 2), task("a", 1)], more: false });
    expect(shown(store)).toHaveLength(4);
    expect(store.more).toBe(false);
  });

  test("that have changed in one millisecond, more of them than a page holds, are gone behind", () => {
    const store = new TaskStore();
    store.load({ tasks: [task("a", 5), task("b", 5)], more: true });

    store.loadOlder({ tasks: [task("a", 5), task("b", 5)], more: true });

    expect(store.before).toBe(5);
  });

  test("are at most 10,000, the oldest go", () => {
    const store = new TaskStore();

    store.put(Array.from({ length: 10_001 }, (_, at) => task(`t${at}`, at)));

    expect(store.view()).toHaveLength(10_000);
    expect([store.get("t0"), store.get("t1")?.id]).toEqual([undefined, "t1"]);
  });
});

test.each([
  [0, 0, 0, { waited: 0, hidden: 0, ran: 0 }],
  [999_999, 0, 0, { waited: 100, hidden: 100, ran: 100 }],
  [999_998, 0, 1, { waited: 100, hidden: 100, ran: 103 }],
  [999, 0, 0, { waited: 50, hidden: 50, ran: 50 }],
  [500, 500, 499, { waited: 0, hidden: 25, ran: 50 }],
])("a bar of %i ms, of them %i hidden, and a run of %i", (waitMs, hiddenMs, runMs, expected) => {
  expect(barOf({ waitMs, hiddenMs, runMs })).toEqual(expected);
});

test("a time of today has seconds, one of another day its date", () => {
  const now = new Date(2026, 10, 24, 12, 4, 31).getTime();

  expect(timeOf(now, now)).toBe("12:04:31");
  expect(timeOf(now - 86_400_000, now)).toBe("11-23 12:04");
});

test.each([
  ["", { show: "all", q: "", view: "tasks" }],
  ["#t=3f2c&show=failed", { t: "3f2c", show: "failed", q: "", view: "tasks" }],
  ["#q=a%26b&view=dead&lang=ru", { show: "all", q: "a&b", view: "dead", lang: "ru" }],
])("an address with %j is read, and written as it was", (hash, place) => {
  expect(readPlace(hash)).toEqual(place);
  expect(readPlace(writePlace(place))).toEqual(place);
});

test("an address with what there is not shows what is usual", () => {
  expect(readPlace("#show=none&view=none&x=1")).toEqual({ show: "all", q: "", view: "tasks" });
});

function task(id: string, changedAt: number, state: TaskSummary["state"] = "waiting"): TaskSummary {
  const counts = { attempts: 0, waitMs: 0, runMs: 0 };
  return { id, name: `pay.${id}`, args: "order=77", state, changedAt, ...counts };
}

function shown(store: { view(): TaskSummary[] }): string[] {
  return store.view().map(({ id, state }) => `${id} ${state}`);
}

test("of an address another task is chosen, or none, and the rest stays", () => {
  const choose = (hash: string, t?: string) => writePlace({ ...readPlace(hash), t });
  expect(choose("#t=1&show=failed&q=a+b", "x/y&z")).toBe("#t=x%2Fy%26z&show=failed&q=a+b");
  expect(choose("#t=1&show=failed")).toBe("#show=failed");
  expect(choose("", "2")).toBe("#t=2");
});
