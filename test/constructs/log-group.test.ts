import { describe, expect, test } from "vitest";
import { LogGroup } from "../../constructs/log-group.ts";
import { raw, refusals, resources, synthPlain } from "../support/synth.ts";

describe("LogGroup", () => {
  test("creates a group that keeps records for three days", () => {
    const stack = synthPlain((scope) => {
      new LogGroup(scope, "Logs", { name: "shop-logs" });
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { name: "shop-logs", retention_period: "72h0m0s" },
    ]);
  });

  test("passes every option through", () => {
    const stack = synthPlain((scope) => {
      new LogGroup(scope, "Logs", { name: "shop-logs", retentionDays: 1 });
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { name: "shop-logs", retention_period: "24h0m0s" },
    ]);
  });

  test.each<[string, object, string]>([
    [
      "a name of two characters",
      { name: "ab" },
      "[app/Logs] 'name' is \"ab\", allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the log group.",
    ],
    [
      "no day",
      { retentionDays: 0 },
      "[app/Logs] 'retentionDays' is 0, allowed: 1 to 3 whole days. Keep records for at most 3 days, or set retentionPeriod on node.defaultChild once support has raised the quota.",
    ],
    [
      "four days",
      { retentionDays: 4 },
      "[app/Logs] 'retentionDays' is 4, allowed: 1 to 3 whole days. Keep records for at most 3 days, or set retentionPeriod on node.defaultChild once support has raised the quota.",
    ],
  ])("rejects %s", (_, props, message) => {
    const messages = refusals((scope) => {
      new LogGroup(scope, "Logs", { name: "shop-logs", ...props });
    });

    expect(messages).toEqual([message]);
  });

  test("takes a group that exists and creates none", () => {
    let group: LogGroup | undefined;
    const stack = synthPlain((scope) => {
      group = LogGroup.fromId(scope, "Logs", { logGroupId: "e23", name: "all" });
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([]);
    expect([group?.id, group?.name]).toEqual(["e23", "all"]);
  });

  test("is reachable as defaultChild", () => {
    const stack = synthPlain((scope) => {
      raw(new LogGroup(scope, "Logs", { name: "shop-logs" })).addOverride(
        "retention_period",
        "720h0m0s",
      );
    });

    expect(resources(stack, "yandex_logging_group")).toEqual([
      { name: "shop-logs", retention_period: "720h0m0s" },
    ]);
  });
});
