import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cronProblem } from "../../../constructs/_cron.ts";
import { nextTime, parseCron } from "../../../packages/local-cloud/trigger/cron.ts";
import { sampled } from "../../support/sample.ts";

const FROM = Date.UTC(2026, 10, 24, 12, 30, 15); // a Tuesday

function next(expression: string, count = 3, from = FROM): string[] {
  const cron = parseCron(expression);
  const times: string[] = [];
  for (let time = nextTime(cron, from); time !== undefined; time = nextTime(cron, time)) {
    times.push(new Date(time).toISOString().slice(0, 16));
    if (times.length === count) break;
  }
  return times;
}

describe("nextTime", () => {
  test.each([
    ["* * * * ? *", ["2026-11-24T12:31", "2026-11-24T12:32", "2026-11-24T12:33"]],
    ["* * ? * *", ["2026-11-24T12:31", "2026-11-24T12:32", "2026-11-24T12:33"]],
    ["0/15 * * * ? *", ["2026-11-24T12:45", "2026-11-24T13:00", "2026-11-24T13:15"]],
    ["5-20/5 13 * * ? *", ["2026-11-24T13:05", "2026-11-24T13:10", "2026-11-24T13:15"]],
    ["0 9,18 * * ? *", ["2026-11-24T18:00", "2026-11-25T09:00", "2026-11-25T18:00"]],
    ["0 9 ? * mon-fri *", ["2026-11-25T09:00", "2026-11-26T09:00", "2026-11-27T09:00"]],
    ["0 9 ? * 1 *", ["2026-11-29T09:00", "2026-12-06T09:00", "2026-12-13T09:00"]],
    ["0 9 ? * L *", ["2026-11-28T09:00", "2026-12-05T09:00", "2026-12-12T09:00"]],
    ["0 9 ? * 6#3 *", ["2026-12-18T09:00", "2027-01-15T09:00", "2027-02-19T09:00"]],
    ["0 9 ? * FRI#5 *", ["2027-01-29T09:00", "2027-04-30T09:00", "2027-07-30T09:00"]],
    ["0 0 L * ? *", ["2026-11-30T00:00", "2026-12-31T00:00", "2027-01-31T00:00"]],
    ["0 0 LW * ? *", ["2026-11-30T00:00", "2026-12-31T00:00", "2027-01-29T00:00"]],
    // 2027-05-15 is a Saturday, 2027-08-15 a Sunday.
    ["0 0 15W 5,8 ? 2027", ["2027-05-14T00:00", "2027-08-16T00:00"]],
    // 2027-05-01 is a Saturday, 2027-08-01 a Sunday: never into another month.
    ["0 0 1W 5,8 ? 2027", ["2027-05-03T00:00", "2027-08-02T00:00"]],
    // 2027-01-31 is a Sunday; the other months have no 31st.
    ["0 0 31W 1-4 ? 2027", ["2027-01-29T00:00", "2027-03-31T00:00"]],
    ["0 0 29 FEB ? *", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]],
    ["30 12 24 11 ? 2026-2099/70", ["2096-11-24T12:30"]],
    ["0 0 31 2 ? *", []],
    ["0 0 1 1 ? 2020", []],
  ])("of %s", (expression, times) => {
    expect(cronProblem(expression)).toBeUndefined();
    expect(next(expression)).toEqual(times);
  });

  const list = (min: number, max: number) => {
    const value = fc.integer({ min, max });
    const range = fc
      .tuple(value, value)
      .map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`);
    const step = fc
      .tuple(fc.oneof(fc.constant("*"), value, range), fc.integer({ min: 1, max }))
      .map((parts) => parts.join("/"));
    const item = fc.oneof(value.map(String), range, step);
    return fc.oneof(
      fc.constant("*"),
      fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(",")),
    );
  };
  const days = fc.oneof(
    fc.tuple(
      fc.oneof(
        list(1, 31),
        fc.constantFrom("L", "LW"),
        fc.integer({ min: 1, max: 31 }).map((day) => `${day}W`),
      ),
      fc.constant("?"),
    ),
    fc.tuple(
      fc.constant("?"),
      fc.oneof(list(1, 7), fc.constantFrom("L", "SUN-TUE", "2#1", "FRI#5")),
    ),
  );
  const expressions = fc
    .tuple(list(0, 59), list(0, 23), days, list(1, 12))
    .map(([minutes, hours, [day, weekday], month]) =>
      [minutes, hours, day, month, weekday].join(" "),
    );
  const instants = fc.integer({ min: 0, max: Date.UTC(2080, 0, 1) });
  const numRuns = sampled("random schedules", 500, 20_000);

  test("takes whatever the stack takes, and comes in whole minutes, later each time", () => {
    fc.assert(
      fc.property(expressions, instants, (expression, from) => {
        fc.pre(cronProblem(expression) === undefined);
        const time = nextTime(parseCron(expression), from);
        if (time === undefined) return;
        expect(time).toBeGreaterThan(from);
        expect(time % 60_000).toBe(0);
      }),
      { numRuns },
    );
  });

  test("leaves out no time between: from just before a time it is that time", () => {
    fc.assert(
      fc.property(
        expressions,
        instants,
        fc.integer({ min: 1, max: 86_400_000 }),
        (expression, from, back) => {
          const cron = parseCron(expression);
          const time = nextTime(cron, from);
          if (time === undefined) return;
          const earlier = nextTime(cron, time - back);
          expect(earlier).toBeLessThanOrEqual(time);
          if (time - back >= from) expect(earlier).toBe(time);
        },
      ),
      { numRuns },
    );
  });

  test("agrees with a day-by-day reading of the fields", () => {
    const plain = fc.tuple(
      fc.integer({ min: 0, max: 59 }),
      fc.integer({ min: 0, max: 23 }),
      fc.integer({ min: 1, max: 7 }),
    );
    fc.assert(
      fc.property(plain, instants, ([minute, hour, weekday], from) => {
        const time = nextTime(parseCron(`${minute} ${hour} ? * ${weekday} *`), from) ?? 0;
        const date = new Date(time);
        expect([date.getUTCMinutes(), date.getUTCHours(), date.getUTCDay() + 1]).toEqual([
          minute,
          hour,
          weekday,
        ]);
        expect(time - from).toBeLessThanOrEqual(7 * 86_400_000);
      }),
      { numRuns },
    );
  });
});
