import { expect, test } from "vitest";
import { readExpected } from "../../../scripts/lib/costs/expected.ts";

test("readExpected reads numbers, and leaves out what is not given", () => {
  expect(readExpected({ tasks: "20000", "request-seconds": "0.25", "log-gb": undefined })).toEqual({
    tasks: 20_000,
    requestSeconds: 0.25,
  });
});

test.each(["many", "-1", "1e3", "1,000"])("--tasks %s is refused", (tasks) => {
  expect(() => readExpected({ tasks })).toThrow(
    `--tasks is "${tasks}". Give a number, e.g. --tasks 1000.`,
  );
});
