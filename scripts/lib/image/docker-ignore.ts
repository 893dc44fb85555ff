import { posix } from "node:path";
import { messageOf, UserError } from "../shell/user-error.ts";

interface Pattern {
  readonly takesBack: boolean;
  readonly text: string;
  readonly expression: RegExp;
}

/**
 * What a `.dockerignore` leaves out, by docker's rules: patterns are anchored at the context, `**`
 * spans folders, `!` takes a path back in, and the last match counts.
 *
 * @see https://github.com/moby/patternmatcher
 */
export class DockerIgnore {
  private readonly patterns: readonly Pattern[];

  /** @param file names the text in errors */
  constructor(text: string, file = ".dockerignore") {
    this.patterns = text
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)
      .filter((line) => !line.startsWith("#") && line.trim() !== "")
      .map((line) => parse(line.trim(), file));
  }

  /** Whether a path of the context is left out. */
  excludes(path: string): boolean {
    const chain = withParents(path);
    const last = this.patterns.findLast(({ expression }) =>
      chain.some((part) => expression.test(part)),
    );
    return last !== undefined && !last.takesBack;
  }

  /** Whether docker looks into a folder that is left out, since a `!` may take back what is in it. */
  mayTakeBackBelow(folder: string): boolean {
    const takingBack = this.patterns
      .filter(({ takesBack }) => takesBack)
      .map(({ text }) => text.replace(/\/\*\*$/, "").replace(/\/\*$/, ""));
    return (
      takingBack.some((text) => /[*[\]?^\\]/.test(text)) ||
      takingBack.some((text) => `${text}/`.startsWith(`${folder}/`))
    );
  }
}

function parse(line: string, file: string): Pattern {
  const takesBack = line.startsWith("!");
  const bare = takesBack ? line.slice(1).trim() : line;
  const text = posix
    .normalize(bare)
    .replace(/(?<=.)\/$/, "")
    .replace(/^\/(?=.)/, "");
  try {
    if (bare === "") throw new SyntaxError("it names no path");
    return { takesBack, text, expression: compile(text) };
  } catch (error) {
    throw new UserError(
      `${file} has the line "${line}", which docker cannot read as a pattern (${messageOf(error)}). Fix or remove it.`,
      { cause: error },
    );
  }
}

function compile(pattern: string): RegExp {
  // Two stars in front, and nothing else that is special, are compared with the end of the path.
  const isSuffix = /^\*\*(?!\/)[^*?[\]\\]*$/.test(pattern);
  const source = pattern.replace(
    /\*\*\/?|\*|\?|\\.|\[[^\]]*\]|[.+^${}()|[\]\\]/gs,
    (part, offset) => {
      const isLast = offset + part.length === pattern.length;
      if (part.startsWith("**")) return isLast || isSuffix ? ".*" : "(?:.*/)?";
      if (part === "*") return "[^/]*";
      if (part === "?") return "[^/]";
      if (/^(\\.|\[.+\])$/s.test(part)) return part;
      if (part === "[") throw new SyntaxError("unpaired [");
      return `\\${part}`;
    },
  );
  return new RegExp(`^${source}$`, "s");
}

function withParents(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
