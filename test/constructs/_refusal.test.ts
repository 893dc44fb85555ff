import { YandexProvider } from "@cdktf/provider-yandex/lib/provider";
import { TerraformStack, Testing } from "cdktf";
import { describe, expect, test } from "vitest";
import { acceptAnyway, refusedByLists } from "../../constructs/_refusal.ts";
import { define } from "./_container.ts";

function validate(accept: readonly (string | number)[]) {
  const app = Testing.app();
  const stack = new TerraformStack(app, "app");
  new YandexProvider(stack, "Provider");
  define(stack, { name: "NO", memoryMib: 16_384, cores: 8 });
  acceptAnyway(app, accept);
  const messages = stack.node.findAll().flatMap((construct) => construct.node.validate());
  return { messages, lists: refusedByLists(app).map(({ field, source }) => [field, source]) };
}

describe("acceptAnyway", () => {
  const LIMITS = expect.stringMatching(/serverless-containers\/concepts\/limits, \w+ \d{4}$/);

  test("gets a value past a list that may be older than the cloud", () => {
    const { messages, lists } = validate([16_384]);

    expect(messages).toEqual([
      expect.stringContaining("'name' is"),
      expect.stringContaining("'cores' is 8"),
    ]);
    expect(lists).toEqual([["cores", LIMITS]]);
  });

  test("gets nothing past a rule that is not the vendor's list", () => {
    const { messages, lists } = validate(["NO", 16_384, 8]);

    expect(messages).toEqual([expect.stringContaining("'name' is")]);
    expect(lists).toEqual([]);
  });
});
