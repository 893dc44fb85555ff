// Keys inside these are the user's own and stay as they are.
const MAPS = ["labels", "environment", "variables"];

/** The camelCase form that REST speaks. */
export function camelCase(value: unknown): unknown {
  return rename(value, (key) => key.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()));
}

/** The snake_case form that the state and `yc` speak. */
export function snakeCase(value: unknown): unknown {
  return rename(value, (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function rename(value: unknown, change: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => rename(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      change(key),
      MAPS.includes(key) ? item : rename(item, change),
    ]),
  );
}
