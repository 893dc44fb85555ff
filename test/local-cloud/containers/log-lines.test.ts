import { describe, expect, test } from "vitest";
import { LogReader } from "../../../packages/local-cloud/containers/_log-lines.ts";

const read = (...lines: string[]) => {
  const reader = new LogReader();
  return lines.map((line) => reader.read(line));
};

describe("LogReader", () => {
  test.each([
    ["plain", { level: "info", message: "plain" }],
    ["", { level: "info", message: "" }],
    [
      "[2026-11-24 12:00:00 +0000] [71] [INFO] Listening at: http://127.0.0.1:1",
      { level: "info", message: "Listening at: http://127.0.0.1:1" },
    ],
    [
      "[2026-11-24 12:00:00 +0000] [71] [ERROR] Worker failed",
      { level: "error", message: "Worker failed" },
    ],
    ["WARNING:root:careful", { level: "warning", message: "WARNING:root:careful" }],
    ["ERROR Not found", { level: "error", message: "ERROR Not found" }],
    ["ERRORS are rare", { level: "info", message: "ERRORS are rare" }],
    [
      '{"level":"WARN","message":"m","task_id":"t","logger":"a"}',
      { level: "warning", message: "m", taskId: "t" },
    ],
    ['{"message":"m","level":"FATAL"}', { level: "error", message: "m" }],
    ['{"message":"m","level":"odd"}', { level: "info", message: "m" }],
    ['{"no":"message"}', { level: "info", message: '{"no":"message"}' }],
    ["{broken", { level: "info", message: "{broken" }],
  ])("reads %s", (line, entry) => {
    expect(read(line)).toEqual([entry]);
  });

  test("adds to an entry of JSON what its exception was, and where", () => {
    const exception = `Traceback (most recent call last):\n  File "/own/shop/views.py", line 12, in home\n    os.environ["A"]\nKeyError: 'A'`;
    const line = JSON.stringify({ level: "ERROR", message: "Internal Server Error: /", exception });

    expect(new LogReader(["/own"]).read(line)).toEqual({
      level: "error",
      message: "Internal Server Error: /: KeyError: 'A'  shop/views.py:12",
    });
  });

  test("does not say twice what an exception was", () => {
    const exception = "Traceback (most recent call last):\nDisallowedHost: Invalid host 'a'";
    const line = JSON.stringify({ level: "ERROR", message: "Invalid host 'a'", exception });

    expect(new LogReader().read(line).message).toBe("Invalid host 'a'");
  });

  test("takes a traceback for errors, up to the exception", () => {
    const lines = read(
      "before",
      "Traceback (most recent call last):",
      '  File "a.py", line 1, in <module>',
      "    boom()",
      "ValueError: boom",
      "after",
    );

    expect(lines.map(({ level }) => level)).toEqual([
      "info",
      "error",
      "error",
      "error",
      "error",
      "info",
    ]);
  });
});
