import { UsageError } from "../shell/command-line.ts";
import type { Expected } from "./usage.ts";

/** Fields by flag. */
const FLAGS = {
  requests: "requests",
  "request-seconds": "requestSeconds",
  tasks: "tasks",
  seconds: "seconds",
  "request-units": "requestUnits",
  "log-gb": "logGb",
  "images-gb": "imagesGb",
} as const;

/** @throws UsageError for a flag that is no number of 0 or more */
export function readExpected(flags: Readonly<Record<string, string | undefined>>): Expected {
  const given = Object.entries(FLAGS).flatMap(([flag, field]) => {
    const text = flags[flag];
    if (text === undefined) return [];
    if (!/^\d+(\.\d+)?$/.test(text))
      throw new UsageError(`--${flag} is "${text}". Give a number, e.g. --${flag} 1000.`);
    return [[field, Number(text)]];
  });
  return Object.fromEntries(given);
}
