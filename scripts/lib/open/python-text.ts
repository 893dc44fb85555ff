/** A value, and where what follows it begins. */
type Parsed = readonly [value: unknown, rest: string];

const WORDS: Readonly<Record<string, unknown>> = { None: null, True: true, False: false };
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
const STRING = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/s;
const NUMBER = /^-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])/;
const ESCAPE = /\\(x[\da-f]{2}|u[\da-f]{4}|U[\da-f]{8}|[\s\S])/g;

/** It is not Python's text of values that JSON has, too. */
class Unreadable extends Error {}

/**
 * What Python's own text of a value says: of None, booleans, numbers, strings, lists, tuples and
 * dictionaries with strings as keys; `undefined` for any other text, also one that was cut.
 */
export function parsePython(text: string): unknown {
  try {
    const [value, rest] = parseValue(text.trim());
    return rest === "" ? value : undefined;
  } catch (error) {
    if (error instanceof Unreadable || error instanceof RangeError) return undefined;
    throw error;
  }
}

function parseValue(text: string): Parsed {
  if (text.startsWith("(") || text.startsWith("[")) return parseList(text);
  if (text.startsWith("{")) return parseDictionary(text);
  const [string, single, double] = STRING.exec(text) ?? [];
  if (string !== undefined) return [unescaped(single ?? double ?? ""), after(text, string)];
  const [word = ""] = /^\w+/.exec(text) ?? [];
  if (Object.hasOwn(WORDS, word)) return [WORDS[word], after(text, word)];
  const [number = ""] = NUMBER.exec(text) ?? [];
  const value = Number(number);
  // A larger one would be another number.
  const isExact = number !== "" && (!/^-?\d+$/.test(number) || Number.isSafeInteger(value));
  if (!isExact || !Number.isFinite(value)) throw new Unreadable();
  return [value, after(text, number)];
}

function parseList(text: string): Parsed {
  const end = text.startsWith("(") ? ")" : "]";
  const values: unknown[] = [];
  const [rest, commas] = parseItems(text, end, (item) => {
    const [value, next] = parseValue(item);
    values.push(value);
    return next;
  });
  // What stands in parentheses alone is no tuple.
  if (end === ")" && values.length === 1 && commas === 0) throw new Unreadable();
  return [values, rest];
}

function parseDictionary(text: string): Parsed {
  const entries: [string, unknown][] = [];
  const [rest] = parseItems(text, "}", (item) => {
    const [key, colon] = parseValue(item);
    if (typeof key !== "string" || !colon.startsWith(":")) throw new Unreadable();
    const [value, next] = parseValue(after(colon, ":"));
    entries.push([key, value]);
    return next;
  });
  return [Object.fromEntries(entries), rest];
}

/** Returns what follows, and how many commas there were. */
function parseItems(
  text: string,
  end: string,
  parseItem: (text: string) => string,
): readonly [rest: string, commas: number] {
  let rest = after(text, text.slice(0, 1));
  let commas = 0;
  while (!rest.startsWith(end)) {
    rest = parseItem(rest);
    if (rest.startsWith(",")) commas += 1;
    else if (!rest.startsWith(end)) throw new Unreadable();
    if (rest.startsWith(",")) rest = after(rest, ",");
  }
  return [after(rest, end), commas];
}

function after(text: string, start: string): string {
  return text.slice(start.length).trimStart();
}

function unescaped(text: string): string {
  return text.replace(ESCAPE, (_, code: string) => {
    if (code.length > 1) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    return ESCAPES[code] ?? code;
  });
}
