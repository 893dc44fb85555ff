import { describe, expect, test } from "vitest";
import { collectRefusals } from "../../constructs/_refusal.ts";
import { checkTriggerName, checkTriggerPath } from "../../constructs/_trigger.ts";

const NAME = "3 to 63 lowercase letters, digits and hyphens, a letter first and no hyphen last";
const PATH = "a path of a URL that starts with /, without query, fragment and spaces";

describe("checkTriggerName", () => {
  test.each([["abc"], ["a-1"], [`a${"-".repeat(61)}z`]])("takes %s", (name) => {
    expect(collectRefusals((refuse) => checkTriggerName(name, refuse))).toEqual([]);
  });

  test.each([["ab"], ["a".repeat(64)], ["1ab"], ["ab-"], ["Abc"], ["a_c"], [""]])(
    "refuses %j",
    (name) => {
      expect(collectRefusals((refuse) => checkTriggerName(name, refuse))).toEqual([
        `'name' is "${name}", allowed: ${NAME}. Rename the trigger.`,
      ]);
    },
  );
});

describe("checkTriggerPath", () => {
  test.each([["/"], ["/worker/"], ["/a-b_c/~d.e"], ["/%20"], ["/$a,b;c=1"], [undefined]])(
    "takes %s",
    (path) => {
      expect(collectRefusals((refuse) => checkTriggerPath(path, refuse))).toEqual([]);
    },
  );

  test.each([[""], ["worker"], ["/a b"], ["/a?b"], ["/a#b"], ["/%2"], ["/é"], ["https://a/"]])(
    "refuses %j",
    (path) => {
      expect(collectRefusals((refuse) => checkTriggerPath(path, refuse))).toEqual([
        `'path' is "${path}", allowed: ${PATH}. Write it like "/worker/", other characters as %20.`,
      ]);
    },
  );
});
