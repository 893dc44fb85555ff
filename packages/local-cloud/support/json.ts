import { ACTIVE } from "./harmless.ts";

/** An object of a parsed JSON text: neither an array nor null. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a parsed value is an object, neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object that a JSON text holds; `undefined` for any other value, and for a text that is not JSON. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** JSON that is safe to print: what acts on a terminal is escaped. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value).replace(ACTIVE, (characters) =>
    Array.from(characters, escapeCharacter).join(""),
  );
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
