import { describe, expect, test } from "vitest";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import {
  extrapolate,
  growth,
  integrate,
  measure,
  startOfMonth,
} from "../../../scripts/lib/costs/metrics.ts";
import { ACCESS, bodyOf, fakeSystem, type Routes } from "../_system.ts";

const HOUR = 3_600_000;
const START = Date.parse("2026-11-01T00:00:00Z");
/** 72 of 720 hours: a tenth of a month. */
const NOW = START + 72 * HOUR;
const URL =
  "POST https://monitoring.api.cloud.yandex.net/monitoring/v2/data/read?folderId=b1gfolder";

const PARTS = {
  containers: [{ role: "web", name: "shop-web", memoryGb: 0.5, cores: 1, ready: 0 }],
  ...{ timers: [], queues: ["shop-tasks", "shop-tasks-dead"], gateway: "shop-gateway" },
  ...{ secrets: 2, postgres: [] },
};
const APP = {
  containers: { web: { id: "bba1", image: "", fingerprint: "" } },
  gateway: { id: "d5d1", domain: "" },
};

function answer(...all: readonly (readonly (number | "NaN")[])[]) {
  const metrics = all.map((doubleValues) => ({
    ...{ type: "DGAUGE", name: "x", labels: {} },
    timeseries: { timestamps: doubleValues.map((_, hour) => START + hour * HOUR), doubleValues },
  }));
  return { body: { metrics } };
}

function prepare(answers: Routes[string]) {
  const system = fakeSystem({ routes: { [URL]: answers } });
  return { system, run: () => measure(new CloudApi(system, ACCESS), "b1gfolder", PARTS, APP, NOW) };
}

describe("measure", () => {
  test("adds up rates and counters since the first, and extrapolates them to 720 hours", async () => {
    const { run } = prepare([
      answer([0.5, "NaN", 1]),
      answer([1_000_000, 1_400_000], [0, 200_000, 100_000]),
      answer([0.25]),
      answer([0.1], [0.1]),
    ]);

    expect(await run()).toMatchObject({
      from: START,
      to: NOW,
      missing: [],
      traffic: {
        // (0.5 + 1) × 3600 × 10
        calls: { web: 54_000 },
        // (400 + 200 + 100) s × 10, more than 5,400 calls of 0.1 s
        seconds: { web: 7000 },
        requests: 9000,
        messages: 7200,
        requestUnits: undefined,
      },
    });
  });

  test("asks for hours, with what the references name", async () => {
    const { run, system } = prepare(answer());
    await run();

    expect(system.sent.map(({ init }) => bodyOf(init))).toMatchObject([
      {
        query:
          'series_sum(drop_empty_series("serverless.containers.started_per_second"{folderId="b1gfolder", service="serverless-containers", container="bba1|shop-web"}))',
        fromTime: "2026-11-01T00:00:00.000Z",
        toTime: "2026-11-04T00:00:00.000Z",
        downsampling: { gridAggregation: "AVG", gridInterval: "3600000" },
      },
      {
        query:
          '"serverless.containers.execution_time_milliseconds_sum"{folderId="b1gfolder", service="serverless-containers", container="bba1|shop-web"}',
        downsampling: { gridAggregation: "MAX" },
      },
      { query: expect.stringContaining('gateway="d5d1|shop-gateway"') },
      { query: expect.stringContaining('queue="shop-tasks|shop-tasks-dead"') },
    ]);
  });

  test("says of what there is no series", async () => {
    const { missing, traffic } = await prepare({ body: {} }).run();

    expect(missing).toEqual(["calls of web", "time of web", "requests to the gateway", "messages"]);
    expect(traffic).toMatchObject({ calls: { web: 0 }, seconds: { web: 0 }, requests: 0 });
  });

  test("counts a tenth of a second for each call at least", async () => {
    const { traffic } = await prepare([answer([1]), answer([0, 1]), answer()]).run();

    expect(traffic.calls.web).toBeCloseTo(36_000);
    expect(traffic.seconds.web).toBeCloseTo(3600);
  });

  test("refuses an answer that is not as documented", async () => {
    await expect(prepare({ body: { metrics: [{}] } }).run()).rejects.toThrow(
      "monitoring: the answer is not as documented (metrics.0.timeseries: ",
    );
  });

  test("asks again after an error that passes, not after a refusal", async () => {
    const passing = prepare([{ status: 503 }, answer()]);
    await passing.run();
    const refused = prepare({ status: 403, body: { message: "Permission denied" } });

    expect(passing.system.sent).toHaveLength(5);
    await expect(refused.run()).rejects.toThrow("monitoring answered 403: Permission denied");
    expect(refused.system.sent).toHaveLength(1);
  });
});

test("integrate counts a last hour that is not over by its part", () => {
  const points = [
    [0, 1],
    [HOUR, 2],
  ] as const;

  expect(integrate({ points }, 2 * HOUR)).toBe(10_800);
  expect(integrate({ points }, HOUR + HOUR / 2)).toBe(7200);
});

test.each([
  [
    "a counter from before the month",
    [
      [0, 100],
      [HOUR, 150],
    ],
    50,
  ],
  [
    "one that began in the month",
    [
      [2 * HOUR, 100],
      [3 * HOUR, 150],
    ],
    150,
  ],
  [
    "one that began again",
    [
      [0, 100],
      [HOUR, 30],
      [2 * HOUR, 40],
    ],
    40,
  ],
  ["nothing", [], 0],
] as [string, [number, number][], number][])("growth of %s", (_, points, expected) => {
  expect(growth({ points }, HOUR)).toBe(expected);
});

test("a month begins at midnight of the first, in UTC", () => {
  expect(startOfMonth(Date.parse("2026-11-01T00:00:00Z"))).toBe(START);
  expect(startOfMonth(Date.parse("2026-11-30T23:59:59Z"))).toBe(START);
});

test("extrapolate leaves what was not measured as it is", () => {
  const nothing = { requestUnits: undefined, logGb: 2, imagesGb: 1 };
  const traffic = { calls: { web: 1 }, seconds: { web: 2 }, requests: 3, messages: 4, ...nothing };

  expect(extrapolate(traffic, { from: 0, to: 360 * HOUR })).toEqual({
    ...{ calls: { web: 2 }, seconds: { web: 4 }, requests: 6, messages: 8 },
    ...nothing,
  });
});
