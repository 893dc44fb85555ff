import { FREE_TIERS, METERS, type MeterName, type Price, type Rate } from "./prices.ts";

/** How much of a meter a month takes. */
export interface Usage {
  readonly meter: MeterName;
  /** In the meter's unit; `undefined` where it is not known. */
  readonly quantity: number | undefined;
  /** What a reader has to know about it. */
  readonly note?: string;
}

/** One line of a month's bill. */
export interface BillLine extends Usage {
  /** Per cent of the free tier, above 100 beyond it; `undefined` where there is none or no quantity. */
  readonly freePercent: number | undefined;
  /** Beyond the free tier; `undefined` where quantity or price are not known. */
  readonly roubles: number | undefined;
  /** `undefined` where no source gives one. */
  readonly price: Price | undefined;
}

/** What a month costs, line by line, by the first price that is known. */
export function makeBill(
  usage: readonly Usage[],
  ...prices: readonly ((meter: MeterName) => Price | undefined)[]
): BillLine[] {
  return usage.map((use) => {
    const price = prices.map((find) => find(use.meter)).find((found) => found !== undefined);
    const { free } = METERS[use.meter];
    const { quantity } = use;
    const percent = free === 0 || quantity === undefined ? undefined : (quantity / free) * 100;
    return { ...use, price, freePercent: percent, roubles: roublesOf(use, price) };
  });
}

/** What is known of the sum, and the lines that are not in it. */
export function sumUp(bill: readonly BillLine[]): { roubles: number; unknown: BillLine[] } {
  return {
    roubles: bill.reduce((sum, line) => sum + (line.roubles ?? 0), 0),
    unknown: bill.filter(({ roubles }) => roubles === undefined),
  };
}

/** What a quantity costs by rates, each of which holds from its own start to the next one's. */
export function costOf(quantity: number, rates: readonly Rate[]): number {
  return rates.reduce((sum, { from, roubles }, index) => {
    const to = Math.min(quantity, rates[index + 1]?.from ?? Number.POSITIVE_INFINITY);
    return sum + Math.max(0, to - from) * roubles;
  }, 0);
}

function roublesOf({ meter, quantity }: Usage, price: Price | undefined): number | undefined {
  if (quantity === undefined) return undefined;
  if (price) return costOf(quantity, price.rates);
  // What is free is known to be free, whatever the rest costs.
  return quantity <= METERS[meter].free ? 0 : undefined;
}

/** A bill as lines of a table, and what it does not hold. */
export function formatBill(bill: readonly BillLine[]): string[] {
  const rows = [
    ["", "a month", "of the free", "₽", "price of a unit, in ₽"],
    ...bill.map((line) => [
      METERS[line.meter].title,
      formatQuantity(line),
      line.freePercent === undefined ? "-" : `${number(line.freePercent, 1)} %`,
      line.roubles === undefined ? "not known" : money(line.roubles),
      formatPrice(line.price, METERS[line.meter].unit),
    ]),
  ];
  const { roubles, unknown } = sumUp(bill);
  rows.push(["In all", "", "", money(roubles), ""]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => width(row, column))));
  return [
    ...rows.map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    ),
    ...bill.flatMap(({ meter, note }) => (note ? [`${METERS[meter].title}: ${note}`] : [])),
    ...(unknown.length > 0
      ? [`Not in the sum: ${unknown.map(({ meter }) => METERS[meter].title).join("; ")}.`]
      : []),
    ...sourcesOf(bill),
    `Free tiers are of a month and a billing account (${FREE_TIERS}).`,
  ];
}

/** A line for programs. */
export function billRecord({ meter, quantity, note, freePercent, roubles, price }: BillLine) {
  const { title, unit, free } = METERS[meter];
  const known = { quantity: quantity ?? null, freePercent: freePercent ?? null };
  return {
    ...{ meter, title, unit, free, ...known, roubles: roubles ?? null },
    ...{ price: price ?? null, note },
  };
}

function formatQuantity({ meter, quantity }: Usage): string {
  const { unit, shown = unit, scale = 1 } = METERS[meter];
  return quantity === undefined ? "not known" : `${number(quantity * scale, 2)} ${shown}`;
}

function formatPrice(price: Price | undefined, unit: string): string {
  if (!price) return "in no public source";
  const last = price.rates.at(-1)?.roubles ?? 0;
  return `${number(last, 6)} per ${unit}, ${price.date}`;
}

function sourcesOf(bill: readonly BillLine[]): string[] {
  const sources = new Set(bill.flatMap(({ price }) => (price ? [price.source] : [])));
  return sources.size === 0 ? [] : ["Prices with VAT, by:", ...[...sources].map((it) => `  ${it}`)];
}

function width(row: readonly string[], column: number): number {
  return row[column]?.length ?? 0;
}

function money(roubles: number): string {
  return roubles.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

function number(value: number, digits: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}
