/** How many of what is large in full: a sample, or all of it with `DEEP` set. Says which. */
export function sampled(what: string, sample: number, all: number): number {
  const number = process.env.DEEP ? all : sample;
  console.log(`${number} of ${all} ${what}${number < all ? "; all with DEEP=1" : ""}`);
  return number;
}
