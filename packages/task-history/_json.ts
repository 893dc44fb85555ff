/** An object of a parsed JSON text: neither an array nor null. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a parsed value is an object, neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object that a JSON text holds; `undefined` for anything else. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
