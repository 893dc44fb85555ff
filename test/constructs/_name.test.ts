import { describe, expect, test } from "vitest";
import { checkName } from "../../constructs/_name.ts";
import { collectRefusals } from "../../constructs/_refusal.ts";

const problems = (name: string) => collectRefusals((refuse) => checkName(name, "queue", refuse));

describe("checkName", () => {
  test.each(["abc", "a-1", `a${"b".repeat(62)}`])("takes %s", (name) => {
    expect(problems(name)).toEqual([]);
  });

  test.each(["ab", `a${"b".repeat(63)}`, "Shop", "1ab", "-ab", "ab-", "a_b", "a.b"])(
    "rejects %s",
    (name) => {
      expect(problems(name)).toEqual([
        `'name' is "${name}", allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the queue.`,
      ]);
    },
  );
});
