/** @typedef {"value" | "text" | "key" | "colon" | "close" | "end" | "number"} Problem */
/** @typedef {{ readonly problem: Problem, readonly at: number, readonly close: "]" | "}" | undefined }} Mistake */
/** @typedef {"value" | "first" | "key" | "colon" | "close" | "end"} Wanted */

const BLANKS = /[ \t\n\r]*/y;
const TOKENS = {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows them only when escaped.
  text: /"[^"\\\0-\x1F]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\0-\x1F]*)*"/y,
  number: /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  word: /true|false|null/y,
};

/**
 * Where a text first is not JSON, and what should stand there: browsers do not say it in the same
 * way, nor always. A whole number that would be rounded is a mistake, too.
 *
 * @param {string} text
 * @returns {Mistake | undefined}
 */
export function findMistake(text) {
  /** The brackets that are still to be closed. @type {("]" | "}")[]} */
  const open = [];
  let at = endOf(BLANKS, text, 0) ?? 0;
  /** @type {Wanted} */
  let wanted = "value";
  while (wanted !== "end") {
    const close = open.at(-1);
    const { kind, end } = tokenAt(text, at);
    if (kind === "number" && isRounded(text.slice(at, end)))
      return { problem: "number", at, close };
    const next = follow(wanted, kind, open);
    if (next === undefined) return { problem: problemOf(wanted, close, text[at]), at, close };
    wanted = next;
    at = endOf(BLANKS, text, end) ?? end;
  }
  return at < text.length ? { problem: "end", at, close: undefined } : undefined;
}

/**
 * What is wanted after a token, or `undefined` when it does not fit.
 *
 * @param {Exclude<Wanted, "end">} wanted
 * @param {string} kind
 * @param {("]" | "}")[]} open
 * @returns {Wanted | undefined}
 */
function follow(wanted, kind, open) {
  const close = open.at(-1);
  if (kind === close && (wanted === "first" || wanted === "close")) {
    open.pop();
    return after(open);
  }
  switch (partOf(wanted, close)) {
    case "key":
      return kind === "text" ? "colon" : undefined;
    case "colon":
      return kind === ":" ? "value" : undefined;
    case "close":
      return kind === "," ? (close === "]" ? "value" : "key") : undefined;
    default:
      return kind in TOKENS ? after(open) : begin(kind, open);
  }
}

/**
 * @param {string} kind
 * @param {("]" | "}")[]} open
 * @returns {Wanted | undefined}
 */
function begin(kind, open) {
  if (kind !== "[" && kind !== "{") return undefined;
  open.push(kind === "[" ? "]" : "}");
  return "first";
}

/**
 * @param {Exclude<Wanted, "end">} wanted
 * @param {string | undefined} close
 */
function partOf(wanted, close) {
  if (wanted !== "first") return wanted;
  return close === "}" ? "key" : "value";
}

/** @param {readonly string[]} open */
function after(open) {
  return open.length > 0 ? "close" : "end";
}

/**
 * @param {Exclude<Wanted, "end">} wanted
 * @param {string | undefined} close
 * @param {string | undefined} character
 * @returns {Problem}
 */
function problemOf(wanted, close, character) {
  const part = partOf(wanted, close);
  return character === '"' && (part === "key" || part === "value") ? "text" : part;
}

/**
 * @param {string} text
 * @param {number} at
 */
function tokenAt(text, at) {
  for (const [kind, pattern] of Object.entries(TOKENS)) {
    const end = endOf(pattern, text, at);
    if (end !== undefined) return { kind, end };
  }
  return { kind: text[at] ?? "", end: at + 1 };
}

/**
 * @param {RegExp} pattern
 * @param {string} text
 * @param {number} at
 */
function endOf(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** @param {string} number */
function isRounded(number) {
  return /^-?\d+$/.test(number) && !Number.isSafeInteger(Number(number));
}

/**
 * Line and column of a place in a text, both from 1.
 *
 * @param {string} text
 * @param {number} at
 */
export function placeOf(text, at) {
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}
