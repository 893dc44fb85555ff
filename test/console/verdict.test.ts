import { expect, test } from "vitest";
// @ts-expect-error The page is JavaScript, without declarations.
import { peakOf, sum, verdictOf } from "../../packages/console/page/verdict.js";
import type { Minute } from "../../packages/console/source.ts";
import { hourOf, minuteOf } from "./_example.ts";

const verdict = (change: (place: number) => Partial<Minute>) => verdictOf(hourOf(change));

test("all is well", () => {
  expect(verdict(() => ({ ok: 2, waiting: 1, running: 1 }))).toEqual({
    level: "good",
    key: "verdict.ok",
    values: { count: 120 },
  });
});

test("nothing happened", () => {
  expect(verdict(() => ({}))).toMatchObject({ level: "quiet", key: "verdict.quiet" });
});

test("what runs for the whole hour is something that happens", () => {
  expect(verdict(() => ({ running: 1 }))).toMatchObject({ level: "good", values: { count: 0 } });
});

test("tasks fail", () => {
  expect(verdict((place) => ({ ok: 1, failed: place === 50 ? 3 : 0 }))).toEqual({
    level: "bad",
    key: "verdict.failing",
    values: { count: 3 },
  });
});

test("tasks have failed, and do no more", () => {
  expect(verdict((place) => ({ ok: 1, failed: place === 49 ? 3 : 0 }))).toEqual({
    level: "warn",
    key: "verdict.failed",
    values: { failed: 3, count: 63 },
  });
});

test("tasks wait, and nothing runs: worse than one that has failed", () => {
  const stuck = verdict((place) => ({ waiting: place >= 50 ? 4 : 0, failed: place === 0 ? 1 : 0 }));
  expect(stuck).toEqual({ level: "bad", key: "verdict.stuck", values: { count: 4 } });
  expect(verdict((place) => ({ waiting: place >= 51 ? 4 : 0, ok: 1 }))).toMatchObject({
    level: "good",
  });
  expect(verdict((place) => ({ waiting: 4, running: place === 55 ? 1 : 0 }))).toMatchObject({
    level: "good",
  });
});

test("more come than are done", () => {
  const growing = (last: number) => (place: number) => ({
    ok: 1,
    waiting: place === 59 ? last : 5,
  });
  expect(verdict(growing(11))).toEqual({
    level: "warn",
    key: "verdict.busy",
    values: { count: 11 },
  });
  expect(verdict(growing(10))).toMatchObject({ level: "good" });
  expect(verdict((place) => ({ ok: 1, waiting: place === 59 ? 9 : 1 }))).toMatchObject({
    level: "good",
  });
});

test("sums up, and finds the last of the highest minutes", () => {
  const minutes = [minuteOf({ ok: 1 }), minuteOf({ ok: 3 }), minuteOf({ ok: 3 }), minuteOf({})];
  expect(sum(minutes, "ok")).toBe(7);
  expect(peakOf(minutes, "ok")).toEqual({ place: 2, most: 3 });
  expect(peakOf([], "ok")).toEqual({ place: 0, most: 0 });
});
