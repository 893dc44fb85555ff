import * as v from "valibot";
import type { CloudApi } from "../cloud/cloud-api.ts";
import { METERS, type MeterName, type Price, type Rate } from "./prices.ts";

const SERVICE = "billing";
const PATH = "/billing/v1/skus";
const CURRENCY = "RUB";
/** The free quantities are what tells that a SKU counts in our unit. */
const TOLERANCE = 1e-9;

const decimal = v.pipe(v.string(), v.regex(/^\d+(\.\d+)?$/), v.transform(Number));
const moment = v.pipe(v.string(), v.transform(Date.parse), v.number());

/** @see https://yandex.cloud/en/docs/billing/api-ref/Sku/list */
const skuSchema = v.object({
  name: v.string(),
  pricingUnit: v.string(),
  pricingVersions: v.array(
    v.object({
      effectiveTime: moment,
      pricingExpressions: v.strictTuple([
        v.object({
          rates: v.pipe(
            v.array(
              v.object({
                startPricingQuantity: decimal,
                unitPrice: decimal,
                currency: v.literal(CURRENCY),
              }),
            ),
            v.minLength(1),
          ),
        }),
      ]),
    }),
  ),
});
const namedSchema = v.object({ name: v.string() });

type Sku = v.InferOutput<typeof skuSchema>;

/** Prices of today by the cloud's own list, of the meters that are found there. */
export async function readPriceList(
  api: Pick<CloudApi, "list">,
  now: number,
): Promise<ReadonlyMap<MeterName, Price>> {
  const list = await api.list(SERVICE, PATH, "skus", { currency: CURRENCY });
  return matchPrices(list, now);
}

/** The meters among SKUs. One that is not as documented, or counts in another unit, is left out. */
export function matchPrices(skus: readonly unknown[], now: number): ReadonlyMap<MeterName, Price> {
  const names = Object.keys(METERS) as MeterName[];
  const found = names.flatMap((meter): [MeterName, Price][] => {
    const { sku, free, unit } = METERS[meter];
    const raw = sku === undefined ? undefined : skus.find((it) => nameOf(it) === sku);
    const parsed = v.safeParse(skuSchema, raw);
    if (!parsed.success) return [];
    const price = priceOf(parsed.output, now);
    return price && isInUnit(parsed.output, price.rates, free, unit) ? [[meter, price]] : [];
  });
  return new Map(found);
}

function nameOf(sku: unknown): string | undefined {
  const parsed = v.safeParse(namedSchema, sku);
  return parsed.success ? parsed.output.name : undefined;
}

// The newest version that holds already: the list has past and future ones, too.
function priceOf({ name, pricingVersions }: Sku, now: number): Price | undefined {
  const [version] = pricingVersions
    .filter(({ effectiveTime }) => effectiveTime <= now)
    .sort((a, b) => b.effectiveTime - a.effectiveTime);
  if (!version) return undefined;
  const [{ rates }] = version.pricingExpressions;
  return {
    rates: rates
      .map((rate) => ({ from: rate.startPricingQuantity, roubles: rate.unitPrice }))
      .sort((a, b) => a.from - b.from),
    source: `the cloud's list of prices, SKU ${name}`,
    date: new Date(version.effectiveTime).toISOString().slice(0, 10),
  };
}

function isInUnit({ pricingUnit }: Sku, rates: readonly Rate[], free: number, unit: string) {
  const [first, second] = rates;
  if (first === undefined || first.from !== 0) return false;
  // The documented ones are `core*hour` and `gbyte*hour`.
  if (/×h$/.test(unit) !== /hour/.test(pricingUnit)) return false;
  if (free === 0) return true;
  return first.roubles === 0 && Math.abs((second?.from ?? 0) - free) < TOLERANCE;
}
