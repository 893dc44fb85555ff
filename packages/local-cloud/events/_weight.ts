import type { Happening } from "./event.ts";

/** How many characters an event holds besides the few that all have, roughly. */
export function weightOf(event: Happening): number {
  switch (event.type) {
    case "published":
      return event.bytes;
    case "stored":
      return JSON.stringify(event.result ?? null).length + (event.traceback?.length ?? 0);
    case "log":
      return event.message.length;
    default:
      return 0;
  }
}
