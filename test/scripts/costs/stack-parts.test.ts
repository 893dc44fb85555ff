import { App, Testing } from "cdktf";
import { describe, expect, test } from "vitest";
import { callsOf, readParts } from "../../../scripts/lib/costs/stack-parts.ts";
import { AppStack } from "../../../stacks/app.ts";
import { DataStack } from "../../../stacks/data.ts";
import { settings } from "../_settings.ts";

function parts(config: object) {
  const all = settings(config);
  const app = new App({ outdir: "cdktf.out" });
  const data = all.postgres && Testing.synth(new DataStack(app, all));
  return readParts(Testing.synth(new AppStack(app, all)), data);
}

describe("readParts", () => {
  test("finds what the smallest stage has", () => {
    const one = { memoryGb: 0.5, cores: 1, ready: 0 };

    expect(parts({})).toEqual({
      containers: [
        { role: "web", name: "shop-web", ...one },
        { role: "worker", name: "shop-worker", ...one },
      ],
      timers: [],
      queues: ["shop-tasks", "shop-tasks-dead"],
      gateway: "shop-gateway",
      secrets: 2,
      postgres: [],
    });
  });

  test("finds sizes, instances that are ready, timers and the database", () => {
    const found = parts({
      postgres: { diskGb: 20 },
      schedule: "database",
      web: { minInstances: 2, memoryMib: 1024 },
      worker: { coreFraction: 50 },
    });

    expect(found.containers.map(({ role }) => role)).toEqual(["manage", "web", "worker"]);
    expect(found.containers[1]).toMatchObject({ memoryGb: 1, cores: 1, ready: 2 });
    expect(found.containers[2]).toMatchObject({ cores: 0.5, ready: 0 });
    expect(found.timers).toEqual([{ role: "worker", calls: 43_200 }]);
    expect(found.postgres).toEqual([
      { hostClass: "b2.medium", hosts: 1, diskGb: 20, diskType: "network-ssd" },
    ]);
  });

  test("says what is wrong with a stack that another version wrote", () => {
    expect(() => readParts("{}")).toThrow(
      /^The synthesized stack app cannot be read \(resource: .*npm run synth/,
    );
    expect(() => readParts("no JSON")).toThrow("(the whole: ");
  });
});

test.each([
  ["* * * * ? *", 43_200],
  ["0/15 * * * ? *", 2880],
  ["0 3 * * ? *", 30],
  ["0 0 1 1 ? *", 0],
])("a timer with %s fires %s times in 30 days", (cron, calls) => {
  expect(callsOf(cron)).toBe(calls);
});
