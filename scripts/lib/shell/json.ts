import { existsSync, readFileSync } from "node:fs";

/** A text read as JSON; `undefined` where it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A file read as JSON; `undefined` where it is missing or not JSON. */
export function readJson(file: string): unknown {
  return existsSync(file) ? parseJson(readFileSync(file, "utf8")) : undefined;
}

/** The fields of an object or an array; none of anything else. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
