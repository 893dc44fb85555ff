import { relative } from "node:path";
import { parseObject } from "../support/json.ts";

const TRACEBACK = /^\s*Traceback \(most recent call last\):/;
// Between the traceback of an exception and that of the one which it led to.
const CHAINED =
  /^(During handling of the above exception, another exception occurred|The above exception was the direct cause of the following exception):/;
const FRAME = /^ *File "([^"]+)", line (\d+)/;
const WIDTH = 500;

/**
 * The exception that ended a Python program, and where in the project's own sources it came from:
 * `KeyError: 'SENTRY_DSN'  shop/settings.py:12`.
 *
 * @param lines what the program has printed
 * @param roots folders of the project's sources
 */
export function findCause(lines: readonly string[], roots: readonly string[]): string | undefined {
  const texts = lines.flatMap(expand);
  const first = texts.findIndex((line) => TRACEBACK.test(line));
  if (first < 0) return undefined;
  let end = endOf(texts, first);
  const chain = [texts.slice(first, end)];
  for (let next = chained(texts, end); next !== undefined; next = chained(texts, end)) {
    end = endOf(texts, next);
    chain.push(texts.slice(next, end));
  }
  const exception = texts[end]?.trim();
  if (!exception) return undefined;
  const location = chain.map((block) => locate(block, roots)).findLast((one) => one !== undefined);
  // Of its module nobody asks.
  const text = exception.replace(/^(?:[a-z_]\w*\.)+(?=[A-Z])/, "").slice(0, WIDTH);
  return [text, location].filter(Boolean).join("  ");
}

/** A line of JSON may hold a whole traceback. */
function expand(line: string): string[] {
  const { exception, message } = line.startsWith("{") ? (parseObject(line) ?? {}) : {};
  const text = typeof exception === "string" ? exception : message;
  return typeof text === "string" ? text.split("\n") : [line];
}

/** Where the exception stands: the first line below a traceback that is not indented. */
function endOf(lines: readonly string[], start: number): number {
  const length = lines.slice(start + 1).findIndex((line) => /^\S/.test(line));
  return length < 0 ? lines.length : start + 1 + length;
}

/** Where the traceback begins of what an exception led to. */
function chained(lines: readonly string[], end: number): number | undefined {
  const next = lines.findIndex((line, index) => index > end && TRACEBACK.test(line));
  const before = lines.slice(end + 1, next).findLast((line) => line.trim() !== "");
  return next >= 0 && before !== undefined && CHAINED.test(before) ? next : undefined;
}

function locate(traceback: readonly string[], roots: readonly string[]): string | undefined {
  const frames = traceback.flatMap((line) => {
    const [, file = "", number] = FRAME.exec(line) ?? [];
    const path = roots.map((root) => relative(root, file)).find(isOwn);
    return number === undefined || path === undefined ? [] : [`${path}:${number}`];
  });
  return frames.at(-1);
}

function isOwn(path: string): boolean {
  return !path.startsWith("..") && !/(^|\/)(site-packages|node_modules|\.?venv)\//.test(path);
}
