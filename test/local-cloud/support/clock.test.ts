import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { realClock } from "../../../packages/local-cloud/support/clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a timer goes off at its time, not before, and not after it was taken back", () => {
  const act = vi.fn();
  realClock.setTimer(Date.now() + 90_000, act);
  const stop = realClock.setTimer(Date.now() + 90_000, act);
  vi.advanceTimersByTime(89_999);
  expect(act).not.toHaveBeenCalled();
  stop();
  vi.advanceTimersByTime(1);
  expect(act).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

test("a machine that was asleep is a second late at most", () => {
  const act = vi.fn();
  realClock.setTimer(Date.now() + 900_000, act);
  vi.setSystemTime(Date.now() + 900_000);
  vi.advanceTimersByTime(1000);
  expect(act).toHaveBeenCalledOnce();
});

test("a month is waited for", () => {
  const act = vi.fn();
  realClock.setTimer(Date.now() + 31 * 86_400_000, act);
  vi.advanceTimersByTime(60_000);
  expect(act).not.toHaveBeenCalled();
});
