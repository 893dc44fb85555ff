import { createHash } from "node:crypto";

/** Returns the value of a reference, e.g. of `yandex_message_queue.Tasks.arn` in parts. */
export type Resolve = (reference: readonly string[]) => unknown;

/**
 * The value of a text of Terraform's: `${…}` evaluated, `$${` and `%%{` unescaped. A text that is
 * one expression keeps its type. Understood is what stacks hold: literals, references, objects,
 * lists, `jsonencode` and `sha256`.
 */
export function evaluateText(text: string, resolve: Resolve): unknown {
  const parts: unknown[] = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const [literal = ""] = /^(?:[^$%]|\$(?!\$?\{)|%(?!%?\{))+/.exec(rest) ?? [];
    if (literal !== "") {
      parts.push(literal);
      at += literal.length;
    } else if (/^(?:\$\$|%%)\{/.test(rest)) {
      parts.push(rest.slice(1, 3));
      at += 3;
    } else if (rest.startsWith("${")) {
      const expression = new Expression(text, at + 2, resolve);
      parts.push(expression.value());
      at = expression.end("}");
    } else {
      throw notUnderstood(text, at);
    }
  }
  return parts.length === 1 ? parts[0] : parts.map(String).join("");
}

/** The same for every text below a value. */
export function evaluate(value: unknown, resolve: Resolve): unknown {
  if (typeof value === "string") return evaluateText(value, resolve);
  if (Array.isArray(value)) return value.map((inner) => evaluate(inner, resolve));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, evaluate(inner, resolve)]),
  );
}

const FUNCTIONS: Readonly<Record<string, (argument: unknown) => unknown>> = {
  jsonencode: encodeJson,
  sha256: (text) => createHash("sha256").update(String(text)).digest("hex"),
};

const CONSTANTS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };

/** One expression inside a text, read from `at` on. */
class Expression {
  private readonly text: string;
  private readonly resolve: Resolve;
  private at: number;

  constructor(text: string, at: number, resolve: Resolve) {
    this.text = text;
    this.at = at;
    this.resolve = resolve;
  }

  value(): unknown {
    if (this.take("(")) return this.closed(this.value(), ")");
    if (this.take("{")) return this.object();
    if (this.take("[")) return this.list();
    const number = this.match(/-?\d+(?:\.\d+)?/y);
    if (number !== undefined) return Number(number);
    const string = this.match(/"(?:[^"\\]|\\.)*"/y);
    if (string !== undefined) return evaluateText(unquote(string), this.resolve);
    return this.word();
  }

  /** Where the text goes on after `sign`. */
  end(sign: string): number {
    if (!this.take(sign)) throw notUnderstood(this.text, this.at);
    return this.at;
  }

  private word(): unknown {
    const start = this.at;
    const name = this.match(/[A-Za-z_][\w-]*/y);
    if (name === undefined) throw notUnderstood(this.text, start);
    if (this.take("(")) {
      const call = FUNCTIONS[name];
      if (call === undefined) throw notUnderstood(this.text, start);
      return call(this.closed(this.value(), ")"));
    }
    const reference = [name];
    for (;;) {
      const part = this.match(/\.[\w-]+|\[\d+\]|\["[^"]*"\]/y);
      if (part === undefined) break;
      reference.push(part.replace(/^\.|^\["?|"?\]$/g, ""));
    }
    if (reference.length === 1 && name in CONSTANTS) return CONSTANTS[name];
    return this.resolve(reference);
  }

  private object(): unknown {
    const entries: [string, unknown][] = [];
    while (!this.take("}")) {
      const key = this.match(/"[^"]*"|[\w-]+/y);
      if (key === undefined || !(this.take("=") || this.take(":"))) {
        throw notUnderstood(this.text, this.at);
      }
      entries.push([key.replaceAll('"', ""), this.value()]);
      this.take(",");
    }
    return Object.fromEntries(entries);
  }

  private list(): unknown {
    const values: unknown[] = [];
    while (!this.take("]")) {
      values.push(this.value());
      this.take(",");
    }
    return values;
  }

  private closed<T>(value: T, sign: string): T {
    this.end(sign);
    return value;
  }

  private take(sign: string): boolean {
    return this.match(new RegExp(`\\${sign}`, "y")) !== undefined;
  }

  private match(pattern: RegExp): string | undefined {
    const space = /\s*/y;
    space.lastIndex = this.at;
    space.test(this.text);
    pattern.lastIndex = space.lastIndex;
    const [found] = pattern.exec(this.text) ?? [];
    if (found !== undefined) this.at = pattern.lastIndex;
    return found;
  }
}

/** As Terraform does: keys in alphabetical order, and no character that is special in HTML. */
function encodeJson(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
  return text.replace(/[<>&\u2028\u2029]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

// The escapes of a quoted text are JSON's.
function unquote(text: string): string {
  return String(JSON.parse(text));
}

function notUnderstood(text: string, at: number): Error {
  return new Error(
    `The local cloud cannot read "${text.slice(at, at + 40)}" in the synthesized text "${text.slice(0, 80)}". Use a literal value, or a reference to another resource.`,
  );
}
