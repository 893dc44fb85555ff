import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import { tryReadFile } from "./_files.ts";
import { isMapping, type Mapping, toPointer } from "./_mapping.ts";
import type { Refusal, Refuse } from "./_refusal.ts";

const MAX_SHOWN = 120;

/** A parsed file that knows on which line each of its values stands. */
export interface OpenApiSource {
  readonly content: Mapping;
  /** `<file>:<line> #/<pointer>` of a value, or of what would hold it. */
  at(path: readonly string[]): string;
}

/** Reads and parses a file; nothing where that is rejected. */
export function parseSource(file: string, refuse: Refuse): OpenApiSource | undefined {
  const text = readText(file, refuse);
  if (text === undefined) return undefined;
  const lines = new LineCounter();
  const options = { lineCounter: lines, merge: true, prettyErrors: false };
  const document: Document.Parsed = parseDocument(text, options);
  for (const { pos, message } of document.errors) {
    const { line } = lines.linePos(pos[0]);
    refuse(true, {
      field: `${file}:${line}`,
      value: shorten(text.split("\n")[line - 1]?.trim()),
      allowed: `YAML 1.2 or JSON (${message})`,
      fix: "Correct the line, or put its text in quotes",
    });
  }
  if (document.errors.length > 0) return undefined;
  const content = toPlain(document, file, refuse);
  if (content === undefined) return undefined;
  refuse(!isMapping(content), {
    field: file,
    value: shown(content),
    allowed: "a mapping that starts with openapi",
    fix: 'Begin the file with openapi: "3.0.3"',
  });
  return isMapping(content)
    ? { content, at: (path) => `${file}:${lineOf(document, lines, path)} #${toPointer(path)}` }
    : undefined;
}

/** The file's values, unless its aliases stand for more than anybody could have written. */
function toPlain(document: Document.Parsed, file: string, refuse: Refuse): unknown {
  try {
    const content: unknown = document.toJS();
    // What contains itself, or is nested too deep, stops here instead of everywhere else.
    JSON.stringify(content);
    return content ?? null;
  } catch (error) {
    refuse(true, refusedAsWhole(file, error));
    return undefined;
  }
}

function refusedAsWhole(file: string, error: unknown): Refusal {
  const [reason] = String(error instanceof Error ? error.message : error).split("\n");
  return {
    field: file,
    value: "a text that cannot be read to its end",
    allowed: `aliases (*name) that can be written out, and few levels (${reason})`,
    fix: "Write out what the aliases stand for; none may stand for what holds it",
  };
}

function readText(file: string, refuse: Refuse): string | undefined {
  const text = tryReadFile(file);
  refuse(text === undefined, {
    field: "openapi",
    value: file,
    allowed: "a file that can be read",
    fix: "Give its path relative to the project",
  });
  return text;
}

function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly string[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function shorten(line = ""): string {
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
}

/** Short text for a value in a message. */
export function shown(value: unknown): unknown {
  if (Array.isArray(value)) return "a list";
  return isMapping(value) ? "a mapping" : value;
}
