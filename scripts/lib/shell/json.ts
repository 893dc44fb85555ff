import { existsSync, readFileSync } from "node:fs";
import { type JsonObject, parseObject } from "../../../packages/local-cloud/support/json.ts";

/** The object in a file of JSON; `undefined` where the file is missing or holds anything else. */
export function readObject(file: string): JsonObject | undefined {
  return existsSync(file) ? parseObject(readFileSync(file, "utf8")) : undefined;
}

/** The fields of an object, or the items of an array by index; nothing of anything else. */
export function fieldsOf(value: unknown): JsonObject {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}
