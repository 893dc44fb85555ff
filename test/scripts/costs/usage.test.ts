import { describe, expect, test } from "vitest";
import { makeBill, sumUp } from "../../../scripts/lib/costs/bill.ts";
import { tablePrice } from "../../../scripts/lib/costs/prices.ts";
import type { StackParts } from "../../../scripts/lib/costs/stack-parts.ts";
import {
  billedSeconds,
  type Expected,
  expectTraffic,
  usageOf,
} from "../../../scripts/lib/costs/usage.ts";

const web = { role: "web", name: "shop-web", memoryGb: 0.5, cores: 1, ready: 0 };
const worker = { ...web, role: "worker", name: "shop-worker" };
const PARTS: StackParts = {
  containers: [web, worker],
  ...{ timers: [], queues: ["shop-tasks"], gateway: "shop", secrets: 2, postgres: [] },
};
const EVERY_MINUTE = { role: "worker", calls: 43_200 };

/** Quantity and roubles by meter. */
function month(parts: StackParts, expected: Expected = {}) {
  const bill = makeBill(usageOf(parts, expectTraffic(parts, expected)), tablePrice);
  const lines = bill.map((line) => [line.meter, line] as const);
  return { ...Object.fromEntries(lines), total: sumUp(bill).roubles } as Record<
    string,
    (typeof bill)[number]
  > & { total: number };
}

// The numbers are those of docs/costs.md.
describe("a month", () => {
  test("of an idle stage: two secrets, about 20 ₽ each", () => {
    const { secrets, cpu, total } = month(PARTS);

    // 2 × 720 h × 0.0274 ₽
    expect(secrets?.roubles).toBeCloseTo(39.456);
    expect(cpu).toMatchObject({ quantity: 0, freePercent: 0, roubles: 0 });
    expect(total).toBeCloseTo(39.456);
  });

  test("with 18,000 seconds of work uses up the processor, not the memory", () => {
    const { cpu, memory } = month(PARTS, { tasks: 18_000, seconds: 1 });

    expect(cpu).toMatchObject({ quantity: 5, freePercent: 100, roubles: 0 });
    expect(memory).toMatchObject({ quantity: 2.5, freePercent: 25, roubles: 0 });
  });

  test("with half a core has twice as much of it", () => {
    const halves = { ...PARTS, containers: [web, { ...worker, cores: 0.5 }] };

    expect(month(halves, { tasks: 36_000, seconds: 1 }).cpu?.freePercent).toBe(100);
  });

  test("with a schedule in the database: 43,200 calls, 1.2 vCPU×h and 0.6 GB×h while warm", () => {
    const { calls, cpu, memory } = month({ ...PARTS, timers: [EVERY_MINUTE] });

    expect(calls?.quantity).toBeCloseTo(0.0432);
    expect(cpu?.quantity).toBeCloseTo(1.2);
    expect(memory?.quantity).toBeCloseTo(0.6);
    expect(cpu?.roubles).toBe(0);
  });

  test("the same with a cold start of a second each: 12 vCPU×h, about 40 ₽", () => {
    const { cpu, memory } = month({ ...PARTS, timers: [EVERY_MINUTE] }, { seconds: 1 });

    expect(cpu?.quantity).toBeCloseTo(12);
    // (12 − 5) × 5.69 ₽
    expect(cpu?.roubles).toBeCloseTo(39.83);
    expect(memory?.roubles).toBe(0);
  });

  test("with the smallest PostgreSQL: about 3,350 ₽", () => {
    const one = { hostClass: "b2.medium", hosts: 1, diskGb: 10, diskType: "network-ssd" };

    const { postgresHalfCpu, postgresMemory, postgresDisk } = month({ ...PARTS, postgres: [one] });

    // 2 × 1.0892 × 720, 4 × 0.5649 × 720, 10 × 0.0218 × 720
    expect(postgresHalfCpu?.roubles).toBeCloseTo(1568.448);
    expect(postgresMemory?.roubles).toBeCloseTo(1626.912);
    expect(postgresDisk?.roubles).toBeCloseTo(156.96);
  });

  test("with a PostgreSQL whose class has no known price says so, and leaves it out", () => {
    const one = { hostClass: "s3-c2-m8", hosts: 1, diskGb: 10, diskType: "network-ssd" };

    const { postgresCpu, postgresDisk, total } = month({ ...PARTS, postgres: [one] });

    expect(postgresCpu).toMatchObject({ quantity: undefined, roubles: undefined });
    expect(postgresCpu?.note).toContain("class s3-c2-m8");
    expect(postgresDisk).toBeUndefined();
    expect(total).toBeCloseTo(39.456);
  });

  test("with an instance that is always ready: 1,170 ₽; of another size nobody knows", () => {
    const ready = (size: object) => ({
      ...PARTS,
      containers: [{ ...web, ready: 1, ...size }, worker],
    });

    expect(month(ready({})).ready?.roubles).toBe(1170);
    expect(month(ready({ memoryGb: 1 })).ready).toMatchObject({ roubles: undefined });
    expect(month(ready({ memoryGb: 1 })).ready?.note).toContain("1 of web");
  });

  test("with 300,000 requests to the gateway pays for 200,000", () => {
    // 0.2 × 142.3 ₽
    expect(month(PARTS, { requests: 300_000 }).gateway?.roubles).toBeCloseTo(28.46);
  });

  test("has free messages; what more of them cost is not known", () => {
    expect(month(PARTS, { tasks: 100_000 }).messages).toMatchObject({ roubles: 0 });
    expect(month(PARTS, { tasks: 100_001 }).messages).toMatchObject({ roubles: undefined });
  });

  test("counts kept images and request units if they are given", () => {
    const { images, requestUnits } = month(PARTS, { imagesGb: 1, requestUnits: 3_000_000 });

    expect(images?.roubles).toBeCloseTo(3.294);
    expect(requestUnits?.roubles).toBeCloseTo(49.28);
    expect(month(PARTS)).toMatchObject({
      images: { quantity: undefined, roubles: undefined },
      requestUnits: { quantity: undefined, roubles: undefined },
    });
  });
});

test("tasks run in the site's container where that mounts the worker", () => {
  const mounted = { ...PARTS, containers: [web] };

  expect(expectTraffic(mounted, { requests: 2, tasks: 3, seconds: 1 })).toMatchObject({
    calls: { web: 5 },
    seconds: { web: 3.2 },
  });
});

test.each([
  [0, 0.1],
  [0.1, 0.1],
  [0.11, 0.2],
  [0.3, 0.3],
  [1, 1],
])("%s s are billed as %s s", (seconds, billed) => {
  expect(billedSeconds(seconds)).toBeCloseTo(billed);
});
