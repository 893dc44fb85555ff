import { asMapping, fromPointer, isBranch, type Mapping } from "./_mapping.ts";

/** A `$ref` that leads nowhere. */
interface DanglingReference {
  /** Keys from the top of the document. */
  readonly path: readonly string[];
  readonly value: string;
}

/**
 * All references of a document that lead to nothing in it, Yandex's extensions included. One that
 * is a variable of the gateway has to lead somewhere with each value that the document gives it.
 */
export function danglingReferences(document: Mapping): DanglingReference[] {
  const variables = asMapping(asMapping(document["x-yc-apigateway"]).variables);
  return referencesIn(document, []).filter(({ value }) =>
    valuesOf(value, variables).some((reference) => !isThere(document, reference)),
  );
}

function referencesIn(value: unknown, path: readonly string[]): DanglingReference[] {
  if (!isBranch(value)) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const inner = [...path, key];
    if (key === "$ref" && typeof child === "string") return [{ path: inner, value: child }];
    return referencesIn(child, inner);
  });
}

function valuesOf(reference: string, variables: Mapping): string[] {
  const [, name] = reference.match(/^\$\{(?:var|apigw)\.([\w-]+)\}$/) ?? [];
  if (name === undefined) return [reference];
  const { default: fallback, enum: choices } = asMapping(variables[name]);
  const values: unknown[] = [fallback, ...(Array.isArray(choices) ? choices : [])];
  return values.filter((value) => typeof value === "string");
}

function isThere(document: Mapping, reference: string): boolean {
  // Which part of a name a variable is cannot be known.
  if (reference.includes("${")) return true;
  if (!reference.startsWith("#/")) return false;
  let place: unknown = document;
  for (const key of fromPointer(reference)) {
    if (!isBranch(place) || !Object.hasOwn(place, key)) return false;
    place = place[key];
  }
  return true;
}
