import { describe, expect, test } from "vitest";
import type { LogEntry } from "../../../packages/task-history/log-entry.ts";
import { formatEntry, formatLocalTime, isPlatform } from "../../../scripts/lib/logs/log-text.ts";
import { coloured, plain } from "../../../scripts/lib/shell/style.ts";

const AT = "2026-01-31T12:04:31.123456Z";
const HERE = formatLocalTime(AT);
const names = new Map([
  ["bbaweb", "web"],
  ["bbaworker", "worker"],
]);

function text(fields: Partial<LogEntry>, paint = plain): string {
  const entry = { uid: "1", timestamp: AT, resource: { id: "bbaworker" }, ...fields };
  return formatEntry(entry, { paint, names });
}

describe("a line of the log", () => {
  test("time on this machine's clock, container, level, message", () => {
    expect(HERE).toMatch(/^2026-0[12]-\d\d \d\d:\d[14]:31\.123$/);
    expect(text({ level: "INFO", message: "hi" })).toBe(`${HERE} worker INFO  hi`);
    expect(text({ level: "ERROR", message: "hi", resource: { id: "bbaweb" } })).toBe(
      `${HERE} web    ERROR hi`,
    );
  });

  test.each([undefined, "LEVEL_UNSPECIFIED"])("of level %s has no word for it", (level) => {
    expect(text({ ...(level && { level }), message: "printed" })).toBe(
      `${HERE} worker       printed`,
    );
  });

  test("of somebody unknown has the id, of nobody a dash", () => {
    expect(text({ message: "x", resource: { id: "other" } })).toContain(" other ");
    expect(text({ message: "x", resource: {} })).toContain(" -      ");
  });

  test("a traceback is whole, and keeps its indentation", () => {
    const exception = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 1\n';
    expect(text({ level: "ERROR", message: "failed\nagain", json_payload: { exception } })).toBe(
      [
        `${HERE} worker ERROR failed`,
        "    again",
        "    Traceback (most recent call last):",
        '      File "a.py", line 1',
        "    KeyError: 1",
      ].join("\n"),
    );
  });

  test("the worker's verdict says what else is known", () => {
    const json_payload = {
      outcome: "done",
      ...{ attempt: 2, duration_seconds: 0.314159, exception_type: "KeyError" },
      ...{ next_attempt_at: AT, args: "(1,)", kwargs: "{}", problem: "it is odd" },
    };
    expect(text({ level: "INFO", message: "t.add[1]: RETRY", json_payload })).toBe(
      `${HERE} worker INFO  t.add[1]: RETRY  0.31 s, attempt 2, KeyError, it is odd, again at ${HERE}, (1,), {}`,
    );
  });

  test("a first attempt, and a task of a minute", () => {
    const json_payload = { outcome: "done", attempt: 1, duration_seconds: 61.25 };
    expect(text({ message: "t", json_payload })).toMatch(/ t {2}61 s$/);
    expect(text({ message: "t", json_payload: { outcome: "dead" } })).toMatch(/ t$/);
  });

  test("whatever it holds, nothing acts on the terminal", () => {
    const evil = "\x1b[2J\x1b]0;x\x07\x9b31m\u202e\u2028\r\x00";
    const line = text({
      ...{ level: `INFO${evil}`, message: `a${evil}b`, timestamp: `never${evil}` },
      resource: { id: `other${evil}` },
      json_payload: {
        ...{ exception: `c${evil}d`, outcome: "done", exception_type: evil, args: evil },
        ...{ next_attempt_at: evil, problem: evil, kwargs: evil },
      },
    });
    expect(line.replaceAll("\n", "")).toMatch(/^\P{C}*$/u);
    expect(line).not.toContain("\u2028");
  });

  test("colours: time, container, and levels that matter", () => {
    const line = text({ level: "ERROR", message: "hi" }, coloured);
    expect(line).toContain("\x1b[31mERROR\x1b[39m hi");
    expect(line).toContain(`\x1b[2m${HERE}\x1b[22m`);
  });
});

describe("the platform's own line", () => {
  const report =
    "REPORT RequestID: 3f14b872-6371-4637-8b83-2927ba464036 Duration: 166.848 ms Billed Duration: 200 ms Memory Size: 256 MB Max Memory Used: 11 MB Queuing Duration: 0.058 ms";

  test.each([
    [report, true],
    ["START RequestID: 3f14b872", true],
    ["END RequestID: 3f14b872", true],
    ["REPORT of the day", false],
    ["the START RequestID: x", false],
  ])("%s", (message, own) => {
    expect(isPlatform({ uid: "1", timestamp: AT, message })).toBe(own);
  });

  test("is short and dim", () => {
    expect(text({ level: "INFO", message: report })).toBe(
      `${HERE} worker INFO  REPORT Duration: 166.848 ms Billed Duration: 200 ms Memory Size: 256 MB Max Memory Used: 11 MB Queuing Duration: 0.058 ms`,
    );
    expect(text({ level: "INFO", message: report }, coloured)).toContain("\x1b[2mREPORT Duration");
  });
});
