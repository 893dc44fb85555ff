/** A mapping of an OpenAPI document. */
export type Mapping = Record<string, unknown>;

/** Whether a value has keys; lists do not. */
export function isMapping(value: unknown): value is Mapping {
  return isBranch(value) && !Array.isArray(value);
}

/** The value if it has keys, else an empty mapping. */
export function asMapping(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}

/** Whether a value holds others, by key or by index. */
export function isBranch(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null;
}

/** The value at a path of keys and indices, or nothing. */
export function valueAt(content: unknown, path: readonly string[]): unknown {
  return path.reduce((value, key) => (isBranch(value) ? value[key] : undefined), content);
}

/** A path as a JSON pointer, which begins with `/`. */
export function toPointer(path: readonly string[]): string {
  return path.map((key) => `/${key.replace(/~/g, "~0").replace(/\//g, "~1")}`).join("");
}

/** The path of a JSON pointer. */
export function fromPointer(pointer: string): string[] {
  const keys = pointer.split("/").slice(1);
  return keys.map((key) => key.replace(/~1/g, "/").replace(/~0/g, "~"));
}
