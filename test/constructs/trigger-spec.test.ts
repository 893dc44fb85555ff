import * as v from "valibot";
import { expect, test } from "vitest";
import { triggersSchema } from "../../constructs/trigger-spec.ts";

const TARGET = { containerId: "bba1", path: "/", invokerId: "aje1", folderId: "b1g1" };
const QUEUE = { kind: "queue", queueArn: "yrn:1", readerId: "aje2", batchSize: 10, ...TARGET };

test("reads what an older version deployed: who creates the trigger, and how long it gathers", () => {
  const older = { tasks: { ...QUEUE, batchCutoff: 5, via: "terraform" } };

  expect(v.parse(triggersSchema, older)).toEqual({
    tasks: { ...QUEUE, batchCutoffSeconds: 5, trigger: "terraform" },
  });
});

test("reads an older timer, whose retries nothing set", () => {
  const timer = { kind: "timer", cron: "0 3 * * ? *", payload: null, ...TARGET };

  expect(v.parse(triggersSchema, { night: { ...timer, via: "yc", retryAttempts: null } })).toEqual({
    night: { ...timer, payload: "", trigger: "yc" },
  });
});

test.each(["trigger", "batchCutoffSeconds"])("guesses nothing where %s is missing", (field) => {
  const spec = { ...QUEUE, batchCutoffSeconds: 1, trigger: "yc", [field]: undefined };

  expect(v.is(triggersSchema, { tasks: spec })).toBe(false);
});
