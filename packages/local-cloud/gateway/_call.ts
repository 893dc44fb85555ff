import type { IncomingMessage } from "node:http";
import type { ContainerResponse } from "../containers/invoke.ts";
import { splitTarget } from "../support/target.ts";
import type { Mapping, Operation } from "./_specification.ts";

/** A request that has found its operation. */
export interface Call {
  readonly request: IncomingMessage;
  readonly operation: Operation;
  /** In the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

export type Answer = ContainerResponse;

/** An answer of the gateway's own. */
export function gatewayAnswer(status: number, message: string): Answer {
  return {
    status,
    headers: [["content-type", "application/json"]],
    body: Buffer.from(JSON.stringify({ message })),
  };
}

/** A text with the request's parameters in place of their names in braces. */
export function substitute(text: string, call: Call): string {
  const values = valuesOf(call);
  return text.replace(/\{([^{}]+)\}/g, (braces, name) => values[name] ?? braces);
}

/** All declared parameters that the request has, or that have a default. */
function valuesOf({ request, operation, parameters }: Call): Record<string, string | undefined> {
  const { query } = splitTarget(request);
  const find = (place: unknown, name: string): string | undefined => {
    if (place === "query") return query.get(name) ?? undefined;
    if (place === "header") return request.headers[name.toLowerCase()]?.toString();
    if (place === "cookie") return cookie(request.headers.cookie ?? "", name);
    return parameters[name];
  };
  const declared = operation.parameters.map(({ in: place, name, schema }) => {
    const fallback = (schema as Mapping | undefined)?.default;
    return [name, find(place, String(name)) ?? fallback?.toString()];
  });
  return { ...parameters, ...Object.fromEntries(declared) };
}

function cookie(header: string, name: string): string | undefined {
  const pairs = header.split(/;\s*/).map((pair) => pair.split("="));
  return pairs
    .find(([key]) => key === name)
    ?.slice(1)
    .join("=");
}
