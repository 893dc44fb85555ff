import { expect, test } from "vitest";
import { Condition } from "../../../packages/local-cloud/support/until.ts";

test("what holds already is not waited for", async () => {
  const condition = new Condition();
  expect(await condition.until(() => true)).toBe(true);
  expect(condition.waiting).toBe(0);
});

test("what holds later is seen when it is notified", async () => {
  const condition = new Condition();
  let isOpen = false;
  const opened = condition.until(() => isOpen);
  condition.notify();
  expect(condition.waiting).toBe(1);
  isOpen = true;
  condition.notify();
  expect(condition.waiting).toBe(0);
  expect(await opened).toBe(true);
});

test("an aborted caller waits no longer, and takes nothing", async () => {
  const condition = new Condition();
  const controller = new AbortController();
  let asked = 0;
  const waited = condition.until(() => ++asked > 100, controller.signal);
  controller.abort();
  condition.notify();
  expect(await waited).toBe(false);
  expect(asked).toBe(1);
  expect(await condition.until(() => true, controller.signal)).toBe(false);
});

test("whoever waits longest gets the only place", async () => {
  const condition = new Condition();
  let places = 0;
  const take = () => places > 0 && places-- > 0;
  const order: string[] = [];
  const first = condition.until(take).then(() => order.push("first"));
  const second = condition.until(take).then(() => order.push("second"));
  places = 1;
  condition.notify();
  await first;
  expect(order).toEqual(["first"]);
  places = 1;
  condition.notify();
  await second;
  expect(order).toEqual(["first", "second"]);
});

test("nobody is asked who was made to leave by somebody before", async () => {
  const condition = new Condition();
  const controller = new AbortController();
  let isOpen = false;
  const first = condition.until(() => {
    if (isOpen) controller.abort();
    return isOpen;
  });
  let taken = false;
  const second = condition.until(() => {
    taken = isOpen;
    return isOpen;
  }, controller.signal);
  isOpen = true;
  condition.notify();
  expect(await first).toBe(true);
  expect(await second).toBe(false);
  expect(taken).toBe(false);
});

test("a condition that fails, fails for whoever waits for it", async () => {
  const condition = new Condition();
  await expect(
    condition.until(() => {
      throw new Error("gone");
    }),
  ).rejects.toThrow("gone");
  expect(condition.waiting).toBe(0);
});
