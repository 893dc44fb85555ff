import { expect, test } from "vitest";
import { parseAppOutputs, parseRegistryOutputs } from "../../../scripts/lib/terraform/outputs.ts";

test("a stage in which nothing is deployed is told", () => {
  expect(() => parseAppOutputs({})).toThrow(
    "Nothing is deployed in this stage. Run `npm run deploy` first.",
  );
  expect(() => parseRegistryOutputs({})).toThrow(
    "There is no registry in this stage yet. Run `npm run deploy` first.",
  );
});
