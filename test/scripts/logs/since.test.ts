import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseSince } from "../../../scripts/lib/logs/since.ts";

const NOW = Date.parse("2026-01-31T12:00:00Z");

describe("--since", () => {
  const { TZ } = process.env;
  beforeEach(() => {
    process.env.TZ = "Europe/Moscow";
  });
  afterEach(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });

  test.each([
    ["90s", "2026-01-31T11:58:30.000Z"],
    ["30m", "2026-01-31T11:30:00.000Z"],
    ["2h", "2026-01-31T10:00:00.000Z"],
    ["3d", "2026-01-28T12:00:00.000Z"],
    ["2026-01-30", "2026-01-29T21:00:00.000Z"],
    ["2026-01-31T12:00", "2026-01-31T09:00:00.000Z"],
    ["2026-01-31 12:00:30", "2026-01-31T09:00:30.000Z"],
    ["2026-01-31T11:59:59.5Z", "2026-01-31T11:59:59.500Z"],
    ["2026-01-31T12:00+03:00", "2026-01-31T09:00:00.000Z"],
  ])("%s", (text, time) => {
    expect(new Date(parseSince(text, NOW)).toISOString()).toBe(time);
  });

  test.each(["yesterday", "2", "2 h", "-2h", "2w", "", "2026-13-01", "2026-01-31Z", "1.5h"])(
    "%j: says what it takes",
    (text) => {
      expect(() => parseSince(text, NOW)).toThrow(
        `--since takes 90s, 30m, 2h or 3d, or a time such as 2026-01-31, 2026-01-31T12:00 or 2026-01-31T12:00:00Z (got ${JSON.stringify(text)}).`,
      );
    },
  );

  test("not the future", () => {
    expect(() => parseSince("2026-02-01", NOW)).toThrow(
      '--since is in the future (got "2026-02-01").',
    );
  });
});
