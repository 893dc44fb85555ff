import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The Python that a project says it runs on. */
export interface WantedPython {
  /** Of version 3. */
  readonly minor: number;
  /** Whether a newer one does, too. */
  readonly orNewer: boolean;
  /** Who says so. */
  readonly by: string;
  /** What does as well, where the image's own is not installed. */
  readonly otherwise?: WantedPython;
}

// An image's base, also uv's own images; an argument's default stands in its place.
const BASE = /^\s*FROM\s+(?:--\S+\s+)*\S*?python:?3\.(\d+)/im;
const NEWEST_TRIED = 5;

/**
 * What the image's base, `.python-version` or `pyproject.toml` says, the first of them that does; the
 * last may do in place of the others.
 */
export function findWantedPython(source: string, dockerfile: string): WantedPython | undefined {
  const image = read(join(source, dockerfile));
  const [, pinned] = /^\s*(?:python-?)?3\.(\d+)/m.exec(read(join(source, ".python-version"))) ?? [];
  const wanted =
    exactly(BASE.exec(withArguments(image))?.[1], `FROM in ${dockerfile}`) ??
    exactly(pinned, ".python-version");
  const required = findRequired(source);
  if (wanted === undefined) return required;
  return { ...wanted, ...(required && { otherwise: required }) };
}

function findRequired(source: string): WantedPython | undefined {
  const project = read(join(source, "pyproject.toml"));
  const [, required = ""] = /^\s*requires-python\s*=\s*["']([^"']*)/m.exec(project) ?? [];
  const [, operator, minor] = /(>=|~=|==|>|\^)?\s*3\.(\d+)/.exec(required) ?? [];
  if (minor === undefined) return undefined;
  return { minor: Number(minor), orNewer: operator !== "==", by: "requires-python" };
}

/** Whether a Python of this version does. */
export function suits(version: string, wanted: WantedPython | undefined): boolean {
  if (wanted === undefined) return true;
  const minor = Number(/^3\.(\d+)/.exec(version)?.[1]);
  return wanted.orNewer ? minor >= wanted.minor : minor === wanted.minor;
}

/** Names of interpreters, in the order in which to try them. */
export function namesOfPythons(wanted: WantedPython | undefined): string[] {
  const usual = ["python3", "python"];
  if (wanted === undefined) return usual;
  const { minor, orNewer, otherwise } = wanted;
  if (!orNewer) {
    const others = otherwise ? namesOfPythons(otherwise) : usual;
    return [...new Set([`python3.${minor}`, ...others])];
  }
  return [...usual, ...Array.from({ length: NEWEST_TRIED }, (_, n) => `python3.${minor + n}`)];
}

/** In words: `3.12 or newer (requires-python)`. */
export function describeWanted({ minor, orNewer, by }: WantedPython): string {
  return `3.${minor}${orNewer ? " or newer" : ""} (${by})`;
}

function exactly(minor: string | undefined, by: string): WantedPython | undefined {
  return minor === undefined ? undefined : { minor: Number(minor), orNewer: false, by };
}

function withArguments(dockerfile: string): string {
  const defaults = new Map(
    [...dockerfile.matchAll(/^\s*ARG\s+(\w+)=["']?([^\s"']*)/gim)].map(([, name, value]) => [
      name,
      value,
    ]),
  );
  return dockerfile.replaceAll(
    /\$\{?(\w+)(?::-([^}]*))?\}?/g,
    (text, name, fallback) => defaults.get(name) ?? fallback ?? text,
  );
}

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
