/** The attributes of one resource: text, numbers, booleans, lists, maps, null and `UNKNOWN`. */
export type Attributes = Record<string, unknown>;

export class Unknown {
  readonly unknown = true;
}

/** A value that is only known after apply. */
export const UNKNOWN = new Unknown();

export function isUnknown(value: unknown): value is Unknown {
  return value instanceof Unknown;
}

/** Deep equality; `unordered` for sets. An unknown value equals nothing. */
export function same(a: unknown, b: unknown, unordered = false): boolean {
  if (isUnknown(a) || isUnknown(b)) return false;
  if (Array.isArray(a) && Array.isArray(b)) return sameLists(a, b, unordered);
  if (isObject(a) && isObject(b)) return sameObjects(a, b);
  return (a ?? null) === (b ?? null);
}

export function isObject(value: unknown): value is Attributes {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isUnknown(value);
}

/** The one element of a block that may occur once. */
export function only(value: unknown): Attributes | undefined {
  return Array.isArray(value) && isObject(value[0]) ? value[0] : undefined;
}

/** The elements of a list, a set or a repeated block. */
export function elements(value: unknown): Attributes[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function text(value: unknown): string {
  return value === null || value === undefined || isUnknown(value) ? "" : String(value);
}

/** What is left when everything must be known: null for what is not. */
export function withoutUnknown(value: unknown): unknown {
  if (isUnknown(value)) return null;
  if (Array.isArray(value)) return value.map(withoutUnknown);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withoutUnknown(v)]));
}

function sameLists(a: unknown[], b: unknown[], unordered: boolean): boolean {
  if (a.length !== b.length) return false;
  if (!unordered) return a.every((item, index) => same(item, b[index]));
  return a.every((item) => b.some((other) => same(item, other)));
}

function sameObjects(a: Attributes, b: Attributes): boolean {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => same(a[key], b[key]));
}
