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
    ["names in lowercase letters", "0 0 ? jan mon,wed,fri *"],
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

  const days = "Write ? as day of month or as day of week, and only one of them";
  const weekday = "1-7 (1 is Sunday), SUN-SAT, ?, L or 6#3";
  const day = "1-31, ?, L, LW or 15W";

  test.each([
    ["0 0 * * *", days],
    ["0 9 1 * 1", days],
    ["0 9 ? * ? *", days],
    ["0 9 * * MON *", days],
    ["0 9 ? * 0 *", `Day of week must be ${weekday}, not 0`],
    ["0 9 ? * 0-4 *", `Day of week must be ${weekday}, not 0-4`],
    ["0 0 12 * * ?", "Year must be 1970-2099, not ?"],
    ["0 0 12 * * ? *", "Write five fields and an optional year, not 7"],
    ["@daily", "Write five fields and an optional year, not 1"],
    ["0 0 ? * MON, WED, FRI *", "Write five fields and an optional year, not 8"],
    ["* * * *", "Write five fields and an optional year, not 4"],
    [`0 0 1 1 ? 2030${",2031".repeat(20)}`, "Shorten it to 100 characters"],
    ["60 * * * ? *", "Minutes must be 0-59, not 60"],
    ["-1 * * * ? *", "Minutes must be 0-59, not -1"],
    ["1.5 * * * ? *", "Minutes must be 0-59, not 1.5"],
    ["1,,2 * * * ? *", "Minutes must be 0-59, not 1,,2"],
    ["/5 * * * ? *", "Minutes must be 0-59, not /5"],
    ["5- * * * ? *", "Minutes must be 0-59, not 5-"],
    ["*-5 * * * ? *", "Minutes must be 0-59, not *-5"],
    ["? * * * ? *", "Minutes must be 0-59, not ?"],
    ["*/0 * * * ? *", "Minutes must be 0-59, not */0"],
    ["*/60 * * * ? *", "Minutes must be 0-59, not */60"],
    ["0 24 * * ? *", "Hours must be 0-23, not 24"],
    ["0 22-2 * * ? *", "Hours must be 0-23, not 22-2"],
    ["0 0 0 * ? *", `Day of month must be ${day}, not 0`],
    ["0 0 32 * ? *", `Day of month must be ${day}, not 32`],
    ["0 0 32W * ? *", `Day of month must be ${day}, not 32W`],
    ["0 0 L-3 * ? *", `Day of month must be ${day}, not L-3`],
    ["0 0 L,15 * ? *", `Day of month must be ${day}, not L,15`],
    ["0 0 1,?  * ? *", `Day of month must be ${day}, not 1,?`],
    ["0 0 1 13 ? *", "Month must be 1-12 or JAN-DEC, not 13"],
    ["0 0 1 JANUARY ? *", "Month must be 1-12 or JAN-DEC, not JANUARY"],
    ["0 0 ? * 8 *", `Day of week must be ${weekday}, not 8`],
    ["0 0 ? * 6L *", `Day of week must be ${weekday}, not 6L`],
    ["0 0 ? * 6#6 *", `Day of week must be ${weekday}, not 6#6`],
    ["0 0 ? * FRI-MON *", `Day of week must be ${weekday}, not FRI-MON`],
    ["0 0 ? * MON#1,TUE#2 *", `Day of week must be ${weekday}, not MON#1,TUE#2`],
    ["0 0 1 1 ? 1969", "Year must be 1970-2099, not 1969"],
    ["0 0 1 1 ? 2100", "Year must be 1970-2099, not 2100"],
  ])("rejects %s", (expression, problem) => {
    expect(cronProblem(expression)).toBe(problem);
  });
});
