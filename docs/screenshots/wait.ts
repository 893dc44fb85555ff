import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 120_000;
const INTERVAL_MS = 100;

/** What `look` finds as soon as that is something. */
export async function waitUntil<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<NonNullable<T>> {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const found = await look();
    if (found) return found;
    await sleep(INTERVAL_MS);
  }
  throw new Error(`${what}: not seen within ${PATIENCE_MS / 1000} seconds`);
}
