import { describe, expect, test } from "vitest";
import { cronProblem } from "../../constructs/_cron.ts";

describe("cronProblem", () => {
  test.each([
    ["every minute", "* * * * ? *"],
    ["every hour", "0 * ? * * *"],
    ["every day at 10:15", "15 10 ? * * *"],
    ["without a year", "0 0 * * ?"],
    ["with blanks around", " 0 0  * * ? "],
    ["steps from a value", "0/15 * * * ? *"],
    ["steps from the start", "*/5 * * * ? *"],
    ["steps in a range", "0 0-20/4 * * ? *"],
    ["the longest steps", "*/59 */23 */31 */12 ? *"],
    ["ranges", "0 8-18 ? * MON-FRI *"],
    ["lists", "0,15,30 * * * ? *"],
    ["names in small letters", "0 0 ? jan mon,wed,fri *"],
    ["every month and day by name", "0 0 ? JAN-DEC SUN-SAT *"],
    ["every month and day by number", "0 0 ? 1-12 1-7 *"],
    ["the last day of the month", "0 0 L * ? *"],
    ["the last weekday of the month", "0 0 LW * ? *"],
    ["the weekday nearest to a day", "0 0 15W * ? *"],
    ["the last possible nearest weekday", "0 0 31W * ? *"],
    ["the last day of the week", "0 0 ? * L *"],
    ["the third Friday", "0 0 ? * 6#3 *"],
    ["the fifth Friday, by name", "0 0 ? * FRI#5 *"],
    ["the ends of all ranges", "59 23 31 12 ? 2099"],
    ["the starts of all ranges", "0 0 1 1 ? 1970"],
    ["years", "0 0 1 1 ? 2026-2030,2035/2"],
  ])("takes %s: %s", (_, expression) => {
    expect(cronProblem(expression)).toBeUndefined();
  });

  const days = "Exactly one of day of month and day of week must be ?";
  const weekday = "allowed: 1-7 (1 is Sunday), SUN-SAT, ?, L or 6#3";
  const day = "allowed: 1-31, ?, L, LW or 15W";

  test.each([
    ["0 0 * * *", days],
    ["0 9 1 * 1", days],
    ["0 9 ? * ? *", days],
    ["0 9 * * MON *", days],
    ["0 9 ? * 0 *", `Day of week is 0, ${weekday}`],
    ["0 9 ? * 0-4 *", `Day of week is 0-4, ${weekday}`],
    ["0 0 12 * * ?", "Year is ?, allowed: 1970-2099"],
    ["0 0 12 * * ? *", "Write five fields and an optional year, not 7"],
    ["@daily", "Write five fields and an optional year, not 1"],
    ["0 0 ? * MON, WED, FRI *", "Write five fields and an optional year, not 8"],
    ["* * * *", "Write five fields and an optional year, not 4"],
    [`0 0 1 1 ? 2030${",2031".repeat(20)}`, "Shorten it to 100 characters"],
    ["60 * * * ? *", "Minutes is 60, allowed: 0-59"],
    ["-1 * * * ? *", "Minutes is -1, allowed: 0-59"],
    ["1.5 * * * ? *", "Minutes is 1.5, allowed: 0-59"],
    ["1,,2 * * * ? *", "Minutes is 1,,2, allowed: 0-59"],
    ["/5 * * * ? *", "Minutes is /5, allowed: 0-59"],
    ["5- * * * ? *", "Minutes is 5-, allowed: 0-59"],
    ["*-5 * * * ? *", "Minutes is *-5, allowed: 0-59"],
    ["? * * * ? *", "Minutes is ?, allowed: 0-59"],
    ["*/0 * * * ? *", "Minutes is */0, allowed: 0-59"],
    ["*/60 * * * ? *", "Minutes is */60, allowed: 0-59"],
    ["0 24 * * ? *", "Hours is 24, allowed: 0-23"],
    ["0 22-2 * * ? *", "Hours is 22-2, allowed: 0-23"],
    ["0 0 0 * ? *", `Day of month is 0, ${day}`],
    ["0 0 32 * ? *", `Day of month is 32, ${day}`],
    ["0 0 32W * ? *", `Day of month is 32W, ${day}`],
    ["0 0 L-3 * ? *", `Day of month is L-3, ${day}`],
    ["0 0 L,15 * ? *", `Day of month is L,15, ${day}`],
    ["0 0 1,?  * ? *", `Day of month is 1,?, ${day}`],
    ["0 0 1 13 ? *", "Month is 13, allowed: 1-12 or JAN-DEC"],
    ["0 0 1 JANUARY ? *", "Month is JANUARY, allowed: 1-12 or JAN-DEC"],
    ["0 0 ? * 8 *", `Day of week is 8, ${weekday}`],
    ["0 0 ? * 6L *", `Day of week is 6L, ${weekday}`],
    ["0 0 ? * 6#6 *", `Day of week is 6#6, ${weekday}`],
    ["0 0 ? * FRI-MON *", `Day of week is FRI-MON, ${weekday}`],
    ["0 0 ? * MON#1,TUE#2 *", `Day of week is MON#1,TUE#2, ${weekday}`],
    ["0 0 1 1 ? 1969", "Year is 1969, allowed: 1970-2099"],
    ["0 0 1 1 ? 2100", "Year is 2100, allowed: 1970-2099"],
  ])("refuses %s", (expression, problem) => {
    expect(cronProblem(expression)).toBe(problem);
  });
});
