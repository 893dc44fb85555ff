import { describe, expect, test } from "vitest";
import {
  billRecord,
  costOf,
  formatBill,
  makeBill,
  sumUp,
} from "../../../scripts/lib/costs/bill.ts";
import { METERS, type MeterName, tablePrice } from "../../../scripts/lib/costs/prices.ts";

const USAGE = [
  { meter: "calls", quantity: 0.0432 },
  { meter: "cpu", quantity: 12 },
  { meter: "logs", quantity: undefined },
  { meter: "secrets", quantity: 1440 },
] as const;

describe("costOf", () => {
  const rates = [
    { from: 0, roubles: 0 },
    { from: 5, roubles: 2 },
    { from: 10, roubles: 1 },
  ];

  test.each([
    [0, 0],
    [5, 0],
    [6, 2],
    [10, 10],
    [13, 13],
  ])("%s units cost %s ₽", (quantity, roubles) => {
    expect(costOf(quantity, rates)).toBe(roubles);
  });
});

describe("makeBill", () => {
  test("takes the first price that is known", () => {
    const listed = { rates: [{ from: 0, roubles: 1 }], source: "list", date: "2026-11-01" };
    const find = (meter: MeterName) => (meter === "cpu" ? listed : undefined);

    const bill = makeBill(USAGE, find, tablePrice);

    expect(bill.map(({ price }) => price?.date)).toEqual([
      ...["2026-10-06", "2026-11-01", undefined, "2026-10-06"],
    ]);
    expect(bill[1]?.roubles).toBe(12);
  });

  test("leaves what is not known out of the sum, and names it", () => {
    const { roubles, unknown } = sumUp(makeBill(USAGE, tablePrice));

    // 7 × 5.69 + 1440 × 0.0274
    expect(roubles).toBeCloseTo(79.286);
    expect(unknown.map(({ meter }) => meter)).toEqual(["logs"]);
  });
});

test("every price of the table has a date and a source", () => {
  for (const meter of Object.keys(METERS) as MeterName[]) {
    const price = tablePrice(meter);
    if (price === undefined) continue;
    expect(price.date).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(price.source).toContain("https://yandex.cloud/");
  }
});

test("formatBill shows a table with the date of each price", () => {
  const text = formatBill(
    makeBill([...USAGE, { meter: "ready", quantity: undefined, note: "2 of web" }], tablePrice),
  ).join("\n");

  expect(text).toContain("43,200 calls        4.3 %");
  expect(text).toMatch(
    /^Containers: processor +12 vCPU×h +240 % +39\.83 +5\.69 per vCPU×h, 2026-10-06$/m,
  );
  expect(text).toMatch(/^Cloud Logging: written +not known +- +not known +in no public source$/m);
  expect(text).toMatch(/^Lockbox: versions of secrets +2 versions +- +39\.46 /m);
  expect(text).toMatch(/^In all +79\.29$/m);
  expect(text).toContain("Prices with VAT, by:\n  https://yandex.cloud/");
  expect(text).toContain("Containers: always ready: 2 of web");
  expect(text).toContain("Not in the sum: Cloud Logging: written; Containers: always ready.");
});

test("billRecord says null where something is not known", () => {
  expect(makeBill(USAGE.slice(2, 3), tablePrice).map(billRecord)).toEqual([
    {
      ...{ meter: "logs", title: "Cloud Logging: written", unit: "GB", free: 5 },
      ...{ quantity: null, freePercent: null, roubles: null, price: null, note: undefined },
    },
  ]);
});
