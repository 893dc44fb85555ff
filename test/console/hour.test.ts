import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hourOf } from "../../packages/console/hour.ts";
import { SHOWN } from "../../packages/console/summary.ts";
import type { TaskTimes } from "../../packages/task-history/task-record.ts";
import { Tasks } from "../../packages/task-history/tasks.ts";
import { anyOrder, localFacts } from "../task-history/_streams.ts";
import { AT, attempt, task } from "./_task.ts";

const MINUTE = 60_000;
/** The first minute of the hour begins at AT. */
const NOW = AT + 60 * MINUTE;

function waitFor(from: number, to: number) {
  return [{ cause: "queue", from, to } as const];
}

describe("hourOf", () => {
  test("of nothing is sixty empty minutes", () => {
    const { from, minutes, names } = hourOf([], NOW);
    expect([from, minutes.length, names]).toEqual([AT, 60, []]);
    expect(minutes[0]).toEqual({ waiting: 0, running: 0, ok: 0, failed: 0 });
  });

  test("has the most that waited or ran at a time, not the sum", () => {
    const sent = AT + MINUTE;
    const tasks = [
      task({ state: "ok", waits: waitFor(sent, sent + 10_000) }),
      task({ state: "ok", waits: waitFor(sent + 5000, sent + 20_000) }),
      task({ state: "ok", waits: waitFor(sent + 20_000, sent + 30_000) }),
      task({ state: "ok", attempts: [attempt({ startedAt: sent, endedAt: sent + 2 * MINUTE })] }),
    ];
    const { minutes } = hourOf(tasks, NOW);

    expect(minutes.slice(0, 5).map(({ waiting }) => waiting)).toEqual([0, 2, 0, 0, 0]);
    expect(minutes.slice(0, 5).map(({ running }) => running)).toEqual([0, 1, 1, 1, 0]);
  });

  test("counts what began before it and what is not over", () => {
    const tasks = [
      task({ publishedAt: AT - MINUTE }),
      task({
        ...{ state: "running", waits: waitFor(AT - MINUTE, AT + MINUTE) },
        attempts: [attempt({ startedAt: NOW - MINUTE, endedAt: undefined })],
      }),
      task({ state: "hidden", attempts: [attempt({ startedAt: AT, endedAt: NOW - 1000 })] }),
    ];
    const { minutes } = hourOf(tasks, NOW);

    expect([0, 2, 59].map((place) => minutes[place]?.waiting)).toEqual([2, 1, 2]);
    expect([0, 30, 59].map((place) => minutes[place]?.running)).toEqual([1, 1, 2]);
  });

  test("a run whose end was lost is none that goes on", () => {
    const lost = task({ state: "done", attempts: [attempt({ endedAt: undefined })] });
    expect(hourOf([lost], NOW).minutes[30]?.running).toBe(0);
  });

  test("counts each task in the minute of its end", () => {
    const ended = (minute: number) => [attempt({ endedAt: AT + minute * MINUTE })];
    const late = { changedAt: NOW - 1 };
    const { minutes } = hourOf(
      [
        task({ state: "ok", attempts: ended(1), ...late }),
        task({ state: "done", attempts: ended(1), ...late }),
        task({ state: "failed", attempts: ended(1), ...late }),
        task({ state: "dead", attempts: ended(1), changedAt: AT + 2 * MINUTE }),
        task({ state: "expired", changedAt: AT + 2 * MINUTE }),
        task({ state: "revoked", attempts: ended(1) }),
        task({ state: "retrying", attempts: ended(1) }),
        task({ state: "ok", attempts: ended(-1), ...late }),
      ],
      NOW,
    );
    const counts = minutes.map(({ ok, failed }) => [ok, failed]);
    expect(counts.slice(0, 4)).toEqual([
      [0, 0],
      [2, 1],
      [0, 2],
      [0, 0],
    ]);
    expect(counts.flat().reduce((sum, count) => sum + count)).toBe(5);
  });

  test("says how long the runs of each name took, the slowest first", () => {
    const runs = (name: string, ...took: number[]) =>
      task({
        ...{ name, state: "ok" },
        attempts: took.map((time, place) =>
          attempt({
            ...{ number: place + 1, startedAt: AT, endedAt: AT + time },
            ...(place === 0 && { error: { type: "E", message: "" } }),
            ...(place === 1 && { status: 503 }),
          }),
        ),
      });
    const old = attempt({ startedAt: AT - 9 * MINUTE, endedAt: AT - MINUTE });
    const { names } = hourOf(
      [
        runs("fast", 30, 10, 20),
        runs("slow", 1000),
        task({ name: "fast", attempts: [old], state: "ok" }),
      ],
      NOW,
    );

    expect(names).toEqual([
      { name: "slow", count: 1, failed: 1, medianMs: 1000, p95Ms: 1000 },
      { name: "fast", count: 3, failed: 2, medianMs: 20, p95Ms: 30 },
    ]);
  });

  test("is the same of times alone, of however many tasks, as of those that concern it", () => {
    // The hour begins before the facts, within them or after them.
    const now = fc.integer({ min: 1_000_000, max: 1_500_000 }).map((at) => at + 60 * MINUTE);
    const shuffled = localFacts.chain((inOrder) => anyOrder(inOrder));
    fc.assert(
      fc.property(shuffled, now, (facts, now) => {
        const tasks = new Tasks();
        for (const fact of facts) {
          tasks.take(fact);
          // What was found out then must not stand after the next fact.
          tasks.count(now);
        }
        const underWay = new Set([...(SHOWN.waiting ?? []), ...(SHOWN.running ?? [])]);
        const concerned = tasks
          .list(now)
          .filter(({ changedAt, state }) => changedAt >= now - 60 * MINUTE || underWay.has(state));
        expect(hourOf(tasks.times(now), now)).toEqual(hourOf(concerned, now));
      }),
      { numRuns: 1000 },
    );
  });

  test("has of any spans the most that hold a moment at a time", () => {
    const moment = fc.integer({ min: -6, max: 126 }).map((half) => AT + half * 30_000 + 1);
    const span = fc.tuple(moment, moment).map(([one, other]) => ({
      ...{ cause: "queue" as const, from: Math.min(one, other) },
      to: Math.max(one, other) + 30_000,
    }));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 12 }), (waits) => {
        const tasks: TaskTimes[] = waits.map((wait) => task({ state: "ok", waits: [wait] }));
        const most = (minute: number) => {
          const start = AT + minute * MINUTE;
          const end = minute === 59 ? Number.POSITIVE_INFINITY : start + MINUTE;
          const moments = [start, ...waits.map(({ from }) => from)];
          const levels = moments
            .filter((at) => start <= at && at < end)
            .map((at) => waits.filter(({ from, to }) => from <= at && at < to).length);
          return Math.max(...levels);
        };
        const { minutes } = hourOf(tasks, NOW);
        expect(minutes.map(({ waiting }) => waiting)).toEqual(minutes.map((_, at) => most(at)));
      }),
      { numRuns: 500 },
    );
  });
});
