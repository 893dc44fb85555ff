import { describe, expect, test } from "vitest";
import { splitTarget } from "../../../packages/local-cloud/support/target.ts";

describe("splitTarget", () => {
  test.each([
    ["/a/b?c=d", "/a/b", "d"],
    ["///?c=d", "///", "d"],
    ["/%?c=d", "/%", "d"],
    ["//host:none/?c=d?e", "//host:none/", "d?e"],
    ["/a#b?c=d", "/a", null],
    ["", "", null],
  ])("%s", (url, path, value) => {
    const target = splitTarget({ url });

    expect(target.path).toBe(path);
    expect(target.query.get("c")).toBe(value);
  });
});
