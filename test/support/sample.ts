/**
 * How many of what is large in full: a sample, or all of it with `DEEP` set. Says which. For files
 * named `*.sample.test.ts`, which `npm run test:deep` runs again.
 */
export function sampled(what: string, sample: number, all: number): number {
  const number = process.env.DEEP ? all : sample;
  console.log(`${number} of ${all} ${what}${number < all ? "; all: npm run test:deep" : ""}`);
  return number;
}
