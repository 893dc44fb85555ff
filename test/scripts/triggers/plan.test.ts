import { describe, expect, test } from "vitest";
import type { TriggerSpecs } from "../../../constructs/trigger-spec.ts";
import {
  describeChange,
  planDeletion,
  planHandover,
  planTriggers,
  ruleDifferences,
} from "../../../scripts/lib/triggers/plan.ts";
import type { LiveTrigger, QueueRule, TimerRule } from "../../../scripts/lib/triggers/rules.ts";

const LABELS = { "managed-by": "shop", stage: "default" };
const QUEUE: QueueRule = {
  kind: "queue",
  queueArn: "yrn:yc:ymq:ru-central1:b1g:tasks",
  readerId: "ajereader",
  containerId: "bbaworker",
  path: "/",
  invokerId: "ajeinvoker",
  batchSize: 1,
  batchCutoffSeconds: 1,
};
const TIMER: TimerRule = {
  kind: "timer",
  cron: "0 3 * * ? *",
  payload: "",
  containerId: "bbaworker",
  path: "/",
  invokerId: "ajeinvoker",
};
const SPECS: TriggerSpecs = {
  "shop-tasks": { ...QUEUE, folderId: "b1g", trigger: "yc" },
  "shop-nightly": { ...TIMER, folderId: "b1g", trigger: "yc" },
};
const LIVE = [live("1", "shop-tasks", QUEUE), live("2", "shop-nightly", TIMER)];

describe("planTriggers", () => {
  test("creates what is not there", () => {
    expect(planTriggers(SPECS, [], LABELS)).toEqual([
      { action: "create", name: "shop-tasks", rule: QUEUE, labels: LABELS, paused: false },
      { action: "create", name: "shop-nightly", rule: TIMER, labels: LABELS, paused: false },
    ]);
  });

  test("changes nothing when all is as wanted", () => {
    expect(planTriggers(SPECS, LIVE, LABELS)).toEqual([]);
  });

  test("leaves a paused trigger paused", () => {
    const paused = LIVE.map((trigger) => ({ ...trigger, status: "PAUSED" }));

    expect(planTriggers(SPECS, paused, LABELS)).toEqual([]);
  });

  test.each<[string, Partial<QueueRule>, string]>([
    ["another queue", { queueArn: "yrn:other" }, "queueArn"],
    ["another reader", { readerId: "ajeother" }, "readerId"],
    ["another invoker", { invokerId: "ajeother" }, "invokerId"],
    ["another path", { path: "/worker/" }, "path"],
    ["another batch size", { batchSize: 5 }, "batchSize"],
    ["another cutoff", { batchCutoffSeconds: 10 }, "batchCutoffSeconds"],
  ])("updates a trigger with %s", (_, old, field) => {
    const found = [live("1", "shop-tasks", { ...QUEUE, ...old }), LIVE[1] as LiveTrigger];

    expect(planTriggers(SPECS, found, LABELS).map(describeChange)).toEqual([
      `update shop-tasks: ${field} (works within 5 minutes)`,
    ]);
  });

  test("adopts an unlabelled trigger of the same name and keeps its own labels", () => {
    const found = [
      { ...live("1", "shop-tasks", QUEUE), labels: { team: "web" } },
      LIVE[1] as LiveTrigger,
    ];

    expect(planTriggers(SPECS, found, LABELS)).toMatchObject([
      { action: "update", fields: ["labels"], labels: { team: "web", ...LABELS } },
    ]);
  });

  test("renames a trigger that is on the queue already", () => {
    const found = [live("1", "old-name", QUEUE), LIVE[1] as LiveTrigger];

    expect(planTriggers(SPECS, found, LABELS).map(describeChange)).toEqual([
      "update shop-tasks: name (works within 5 minutes)",
    ]);
  });

  test("deletes own triggers that the stack does not have any longer, before anything else", () => {
    const changes = planTriggers(
      { "shop-tasks": SPECS["shop-tasks"] as never },
      [LIVE[1] as never],
      LABELS,
    );

    expect(changes.map(describeChange)).toEqual([
      "delete shop-nightly (no longer in the stack)",
      "create shop-tasks (queue, works within 5 minutes)",
    ]);
  });

  test("recreates a trigger when its kind has changed", () => {
    const found = [live("1", "shop-tasks", TIMER), LIVE[1] as LiveTrigger];

    expect(planTriggers(SPECS, found, LABELS).map(describeChange)).toEqual([
      "delete shop-tasks (no longer in the stack)",
      "create shop-tasks (queue, works within 5 minutes)",
    ]);
  });

  test("recreates a trigger when its container was replaced, which an edit may not change, and paused if it was", () => {
    const old = [
      live("1", "shop-tasks", { ...QUEUE, containerId: "bbaold" }),
      { ...live("2", "shop-nightly", { ...TIMER, containerId: "bbaold" }), status: "PAUSED" },
    ];

    expect(planTriggers(SPECS, old, LABELS).map(describeChange)).toEqual([
      "delete shop-tasks (its container was replaced)",
      "delete shop-nightly (its container was replaced)",
      "create shop-tasks (queue, works within 5 minutes)",
      "create shop-nightly (timer, paused as it was)",
    ]);
  });

  test("leaves a trigger of others on another container alone, and says so", () => {
    const foreign = { ...live("1", "shop-tasks", { ...QUEUE, containerId: "bba" }), labels: {} };

    expect(() => planTriggers(SPECS, [foreign], LABELS)).toThrow(
      "was not created by it. Delete it",
    );
  });

  test("never leaves two triggers on a queue", () => {
    const found = [...LIVE, live("3", "copy", QUEUE)];

    expect(planTriggers(SPECS, found, LABELS).map(describeChange)).toEqual([
      "delete copy (no longer in the stack)",
    ]);
  });

  test("leaves the triggers of others alone", () => {
    const others = [
      { ...live("3", "other", undefined), labels: {} },
      {
        ...live("4", "staging-tasks", { ...QUEUE, queueArn: "yrn:staging" }),
        labels: { ...LABELS, stage: "staging" },
      },
    ];

    expect(planTriggers(SPECS, [...LIVE, ...others], LABELS)).toEqual([]);
  });

  test.each<[string, LiveTrigger]>([
    ["on the queue", { ...live("3", "theirs", QUEUE), labels: {} }],
    ["of that name", { ...live("3", "shop-tasks", undefined), labels: {} }],
  ])("refuses a second trigger %s that somebody else made", (_, foreign) => {
    expect(() => planTriggers(SPECS, [...LIVE, foreign], LABELS)).toThrow(
      `Trigger ${foreign.name} (3) has the name or the queue of a trigger of this stack, but was not created by it. Delete it: \`yc serverless trigger delete 3\`.`,
    );
  });
});

describe("ruleDifferences", () => {
  test.each<[Partial<TimerRule>, string[]]>([
    [{}, []],
    [{ cron: "0 4 * * ? *" }, ["cron"]],
    [{ payload: "x" }, ["payload"]],
  ])("of a timer with %j", (old, fields) => {
    expect(ruleDifferences({ ...TIMER, ...old }, TIMER)).toEqual(fields);
  });
});

describe("planDeletion", () => {
  test("deletes own triggers, known to the stack or not, and no others", () => {
    const found = [
      ...LIVE,
      live("3", "stale", undefined),
      { ...live("4", "other", undefined), labels: {} },
    ];

    expect(planDeletion(SPECS, found, LABELS).map(describeChange)).toEqual([
      "delete shop-tasks",
      "delete shop-nightly",
      "delete stale",
    ]);
  });
});

describe("planHandover", () => {
  test("deletes what the script made and keeps what Terraform holds", () => {
    expect(planHandover(SPECS, LIVE, LABELS, new Set(["2"])).map(describeChange)).toEqual([
      "delete shop-tasks (Terraform creates it from now on)",
    ]);
  });

  test("refuses to delete what somebody else made", () => {
    const foreign = { ...live("3", "theirs", QUEUE), labels: {} };

    expect(() => planHandover(SPECS, [foreign], LABELS, new Set())).toThrow("Trigger theirs (3)");
  });
});

function live(id: string, name: string, rule: LiveTrigger["rule"]): LiveTrigger {
  return { id, name, rule, status: "ACTIVE", labels: LABELS };
}
