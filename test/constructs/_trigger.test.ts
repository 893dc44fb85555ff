import { describe, expect, test } from "vitest";
import { collectRefusals } from "../../constructs/_refusal.ts";
import { checkTriggerPath } from "../../constructs/_trigger.ts";

const PATH = "a path of a URL that starts with /, without query, fragment and spaces";

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
