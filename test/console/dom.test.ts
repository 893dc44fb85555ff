import { expect, test } from "vitest";
// @ts-expect-error The page is JavaScript, without declarations.
import { hashOf } from "../../packages/console/page/dom.js";

test("chooses another task, or none, and leaves the rest of the address", () => {
  expect(hashOf("#t=1&show=failed&q=a+b", "x/y&z")).toBe("t=x%2Fy%26z&show=failed&q=a+b");
  expect(hashOf("#t=1&show=failed")).toBe("show=failed");
  expect(hashOf("", "2")).toBe("t=2");
});
