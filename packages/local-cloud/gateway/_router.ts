import { ANY_METHOD, type GatewayDocument, type GatewayOperation } from "./_gateway-document.ts";

/** What serves a path. Without an operation for the method the gateway answers 405. */
export interface MatchedRoute {
  readonly operations: readonly GatewayOperation[];
  readonly parameters: Readonly<Record<string, string>>;
}

/** Finds the route of a path, which is still encoded and has no query. */
export type Router = (path: string) => MatchedRoute | undefined;

/**
 * Static segments come before parameters, parameters before greedy ones, and the segments to the
 * left count more. Encoded characters are none of the literal ones: `/%77orker` is not `/worker`.
 */
export function makeRouter({ operations, ignoresTrailingSlashes }: GatewayDocument): Router {
  const paths = [...new Set(operations.map(({ path }) => path))].sort(bySpecificity);
  const routes = paths.map((path) => {
    const own = operations.filter((operation) => operation.path === path);
    return { operations: own, ...compile(path, own, ignoresTrailingSlashes) };
  });
  return (path) => {
    for (const { operations, pattern, names } of routes) {
      const match = path.match(pattern);
      if (match) return { operations, parameters: parametersOf(names, match) };
    }
    return undefined;
  };
}

/** The operation for a method: its own, or the one for any. */
export function operationFor(
  { operations }: MatchedRoute,
  method: string,
): GatewayOperation | undefined {
  return (
    operations.find((operation) => operation.method === method.toLowerCase()) ??
    operations.find((operation) => operation.method === ANY_METHOD)
  );
}

const PARAMETER = /\{([^}+]+)(\+?)\}/g;

function compile(path: string, operations: readonly GatewayOperation[], slashesIgnored: boolean) {
  const names = [...path.matchAll(PARAMETER)].map(([, name = ""]) => name);
  const optional = new Set(
    operations
      .flatMap(({ parameters }) => parameters)
      .flatMap(({ name, required }) => (required === false ? [name] : [])),
  );
  const ignored = slashesIgnored && path !== "/";
  const source = (ignored ? path.replace(/\/$/, "") : path)
    .split(PARAMETER)
    // Texts alternate with the two groups of the parameter between them.
    .map((part, index, parts) => {
      if (index % 3 === 0) return literalPattern(part);
      if (index % 3 === 2) return "";
      if (parts[index + 1] !== "+") return "([^/]+)";
      return optional.has(part) ? "(.*?)" : "(.+?)";
    })
    .join("");
  return { names, pattern: new RegExp(`^${source}${ignored ? "/?" : ""}$`, "s") };
}

function literalPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function parametersOf(names: readonly string[], match: RegExpMatchArray) {
  return Object.fromEntries(
    names.flatMap((name, index) => {
      const value = match[index + 1];
      return value ? [[name, decode(value)]] : [];
    }),
  );
}

/** What cannot be decoded stays as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function bySpecificity(a: string, b: string): number {
  const [left, right] = [ranks(a), ranks(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    // The end of a path comes after anything more.
    const difference = (left[index] ?? 9) - (right[index] ?? 9);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Of each segment: 0 static, 1 partly, 2 a parameter, 3 a greedy one. */
function ranks(path: string): number[] {
  return path
    .slice(1)
    .split("/")
    .map((segment) => {
      if (!segment.includes("{")) return 0;
      if (segment.includes("+}")) return 3;
      return /^\{[^}]*\}$/.test(segment) ? 2 : 1;
    });
}
