/** So many are shown together; more are folded into ranges of so many. */
export const TOGETHER = 100;
/** Longer texts are folded, in characters. */
export const LONG = 400;

/** @typedef {{ readonly key: string, readonly value: unknown, readonly isRange?: boolean }} Entry */

/**
 * @param {unknown} value
 * @returns {value is object}
 */
export function isBranch(value) {
  return typeof value === "object" && value !== null;
}

/**
 * Bytes of the value as JSON without blanks, and how deep it is. Stops when more than `limit` bytes
 * are counted. Does not call itself: a value may be nested deeper than calls can be.
 *
 * @param {unknown} value
 */
export function measure(value, limit = Number.POSITIVE_INFINITY) {
  let bytes = 0;
  let depth = 0;
  /** @type {[unknown, number][]} */
  const rest = [[value, 0]];
  for (let next = rest.pop(); next !== undefined && bytes <= limit; next = rest.pop()) {
    const [item, level] = next;
    depth = Math.max(depth, level);
    if (!isBranch(item)) {
      bytes += bytesOf(item);
      continue;
    }
    const keys = Array.isArray(item) ? [] : Object.keys(item);
    const values = Object.values(item);
    bytes += 2 + Math.max(0, values.length - 1);
    for (const key of keys) bytes += bytesOf(key) + 1;
    for (const inner of values) rest.push([inner, level + 1]);
  }
  return { bytes, depth };
}

/** @param {unknown} value */
function bytesOf(value) {
  return new TextEncoder().encode(JSON.stringify(value) ?? "null").length;
}

/**
 * Whether it is shown open, with all that is in it.
 *
 * @param {unknown} value
 */
export function isSmall(value) {
  const { bytes, depth } = measure(value, 1000);
  return bytes <= 1000 && depth <= 5;
}

/**
 * What is in a list or an object, in order; of a large one in ranges: `[0 … 99]`.
 *
 * @param {object} branch
 * @returns {Entry[]}
 */
export function entriesOf(branch) {
  return inRanges(Object.entries(branch).map(([key, value]) => ({ key, value })));
}

/**
 * @param {readonly Entry[]} entries
 * @returns {Entry[]}
 */
export function inRanges(entries) {
  if (entries.length <= TOGETHER) return [...entries];
  let width = TOGETHER;
  while (entries.length / width > TOGETHER) width *= TOGETHER;
  const starts = Array.from(
    { length: Math.ceil(entries.length / width) },
    (_, place) => place * width,
  );
  return starts.map((start) => {
    const value = entries.slice(start, start + width);
    return { key: `${value[0]?.key} … ${value.at(-1)?.key}`, value, isRange: true };
  });
}

/**
 * As JSON for people: with line breaks, unless it is nested so deep that these would be most of it.
 *
 * @param {unknown} value
 */
export function jsonOf(value) {
  return JSON.stringify(value, null, measure(value).depth > 20 ? 0 : 2) ?? "null";
}
