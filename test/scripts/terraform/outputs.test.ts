import { expect, test } from "vitest";
import {
  parseAppOutputs,
  parseRegistryOutputs,
  parseTriggers,
} from "../../../scripts/lib/terraform/outputs.ts";

test("a stage in which nothing is deployed is told", () => {
  expect(() => parseAppOutputs({})).toThrow(
    "Nothing is deployed in this stage. Run `npm run deploy` first.",
  );
  expect(() => parseRegistryOutputs({})).toThrow(
    "There is no registry in this stage yet. Run `npm run deploy` first.",
  );
});

test("an output of another shape is named, with what writes it again", () => {
  expect(() => parseTriggers({ triggers: { tasks: { kind: "timer", cron: 1 } } })).toThrow(
    /^Output 'triggers\.tasks\.cron' of stack app is not what this version writes \(.*\)\. Run `npm run deploy`, which writes it again\.$/,
  );
  expect(() => parseRegistryOutputs({ repository: "cr.yandex/a/b" })).toThrow(
    "Output 'registry_id' of stack registry is not what this version writes",
  );
});

test("a stage that was never applied has no triggers", () => {
  expect(parseTriggers({})).toEqual({});
});
