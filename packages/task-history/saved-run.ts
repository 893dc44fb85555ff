import { isObject, parseObject } from "./_json.ts";
import type { Fact } from "./fact.ts";

const FORMAT = "task-history";
const VERSION = 1;

/** What a file of a run begins with. */
interface Header {
  readonly format: string;
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly savedAt: number;
}

/** A run, as it was when it was saved. */
export interface SavedRun {
  /** Milliseconds since the epoch. */
  readonly savedAt: number;
  readonly facts: readonly Fact[];
}

/** A run as lines of JSON: what it is, and then a fact a line. Each ends with a line feed. */
export function* renderRun(facts: Iterable<Fact>, savedAt: number): Generator<string> {
  const header: Header = { format: FORMAT, version: VERSION, savedAt };
  yield `${JSON.stringify(header)}\n`;
  for (const fact of facts) yield `${JSON.stringify(fact)}\n`;
}

/**
 * Reads what {@link renderRun} has written. A last line that was cut is left out.
 *
 * @throws Error when it is something else, or was written by a later release
 */
export function parseRun(text: string): SavedRun {
  const lines = text.split("\n");
  // Behind the last line feed: nothing, or half a line.
  lines.pop();
  const { format, version, savedAt } = parseObject(lines.shift() ?? "") ?? {};
  if (format !== FORMAT || typeof savedAt !== "number") throw new Error("is not a saved run");
  if (version !== VERSION) throw new Error(`was saved by another release (format ${version})`);
  return { savedAt, facts: lines.map(parseFact) };
}

function parseFact(line: string, place: number): Fact {
  const fact = parseObject(line);
  const isFact =
    isObject(fact) &&
    typeof fact.id === "string" &&
    typeof fact.at === "number" &&
    typeof fact.kind === "string";
  if (!isFact) throw new Error(`is damaged in line ${place + 2}`);
  return fact as unknown as Fact;
}
