import { expect, test } from "vitest";
import { formatOutputs } from "../../scripts/lib/outputs.ts";

test("shows the address first, objects and lists indented, and what is empty", () => {
  const outputs = {
    domain: { records: [{ name: "a", type: "CNAME" }], attached: false },
    none: [],
    deadLetterUrl: null,
    url: "https://x",
  };

  expect(formatOutputs(outputs)).toEqual([
    "url: https://x",
    "domain:",
    "  records:",
    "    1:",
    "      name: a",
    "      type: CNAME",
    "  attached: false",
    "none: -",
    "deadLetterUrl: -",
  ]);
  expect(formatOutputs({})).toEqual(["Nothing is deployed in this stage."]);
});
