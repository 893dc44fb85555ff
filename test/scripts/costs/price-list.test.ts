import { describe, expect, test } from "vitest";
import { CloudApi } from "../../../scripts/lib/cloud/cloud-api.ts";
import { matchPrices, readPriceList } from "../../../scripts/lib/costs/price-list.ts";
import { ACCESS, fakeSystem } from "../_system.ts";

const NOW = Date.parse("2026-11-29T00:00:00Z");

function rates(...all: readonly (readonly [from: string, roubles: string])[]) {
  return all.map(([startPricingQuantity, unitPrice]) => ({
    ...{ startPricingQuantity, unitPrice, currency: "RUB" },
  }));
}

function sku(fields: object = {}, ...versions: readonly object[]) {
  const version = {
    ...{ type: "STREET_PRICE", effectiveTime: "2026-05-01T00:00:00Z" },
    pricingExpressions: [{ rates: rates(["0", "0"], ["5", "5.69"]) }],
  };
  return {
    ...{ id: "dn2cpu", name: "serverless.containers.compute.cpu", serviceId: "dn2sls" },
    ...{ description: "", pricingUnit: "core*hour", pricingVersions: [version, ...versions] },
    ...fields,
  };
}

describe("matchPrices", () => {
  test("takes a SKU's rates with the day from which they hold", () => {
    expect([...matchPrices([sku()], NOW)]).toEqual([
      [
        "cpu",
        {
          rates: [
            { from: 0, roubles: 0 },
            { from: 5, roubles: 5.69 },
          ],
          source: "the cloud's list of prices, SKU serverless.containers.compute.cpu",
          date: "2026-05-01",
        },
      ],
    ]);
  });

  test("takes the newest version that holds today, in whatever order they come", () => {
    const at = (effectiveTime: string, roubles: string) => ({
      ...{ type: "STREET_PRICE", effectiveTime },
      pricingExpressions: [{ rates: rates(["5", roubles], ["0", "0"]) }],
    });
    const found = matchPrices(
      [
        sku(
          {},
          at("2026-10-01T00:00:00Z", "6"),
          at("2027-01-01T00:00:00Z", "7"),
          at("2025-01-01T00:00:00Z", "4"),
        ),
      ],
      NOW,
    ).get("cpu");

    expect(found).toMatchObject({
      date: "2026-10-01",
      rates: [{ from: 0 }, { from: 5, roubles: 6 }],
    });
  });

  test("knows what has no free tier", () => {
    const version = {
      ...{ type: "STREET_PRICE", effectiveTime: "2026-05-01T00:00:00Z" },
      pricingExpressions: [{ rates: rates(["0", "0.0274"]) }],
    };
    const lockbox = sku({
      ...{ name: "lockbox.storage.v1.active_secrets", pricingUnit: "secret*hour" },
      pricingVersions: [version],
    });

    expect(matchPrices([lockbox], NOW).get("secrets")?.rates).toEqual([
      { from: 0, roubles: 0.0274 },
    ]);
  });

  const version = (rates: readonly object[]) => ({
    pricingVersions: [
      {
        type: "STREET_PRICE",
        effectiveTime: "2026-05-01T00:00:00Z",
        pricingExpressions: [{ rates }],
      },
    ],
  });

  test.each([
    ["has another name", { name: "compute.cpu" }],
    ["counts in another unit", { pricingUnit: "core*second" }],
    [
      "has another free quantity, so perhaps another unit",
      version(rates(["0", "0"], ["18000", "1"])),
    ],
    ["is not free at first", version(rates(["0", "1"], ["5", "2"]))],
    ["begins late", version(rates(["5", "2"]))],
    ["has no rates", version([])],
    ["has another currency", version([{ ...rates(["0", "0"])[0], currency: "USD" }])],
    ["has a price that is no number", version(rates(["0", "0"], ["5", "a lot"]))],
    [
      "holds from tomorrow on",
      {
        pricingVersions: [{ ...sku().pricingVersions[0], effectiveTime: "2026-11-30T00:00:00Z" }],
      },
    ],
    ["has no versions", { pricingVersions: undefined }],
  ])("leaves out one that %s", (_, fields) => {
    expect([...matchPrices([sku(fields)], NOW)]).toEqual([]);
  });

  test("is not disturbed by what it does not know", () => {
    expect(matchPrices([null, 1, {}, { name: 5 }, sku()], NOW).size).toBe(1);
  });
});

test("readPriceList reads all pages, in roubles", async () => {
  const url = "GET https://billing.api.cloud.yandex.net/billing/v1/skus?currency=RUB&pageSize=1000";
  const system = fakeSystem({
    routes: {
      [url]: { body: { skus: [{ name: "other" }], nextPageToken: "2" } },
      [`${url}&pageToken=2`]: { body: { skus: [sku()] } },
    },
  });

  const found = await readPriceList(new CloudApi(system, ACCESS), NOW);

  expect([...found.keys()]).toEqual(["cpu"]);
});
