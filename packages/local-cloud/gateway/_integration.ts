import type { IncomingMessage } from "node:http";
import type { ContainerResponse } from "../containers/invoke.ts";
import { splitTarget } from "../support/target.ts";
import { asObject, type GatewayOperation } from "./_gateway-document.ts";

/**
 * Bytes of a request's and of a response's body: 2.5 MB.
 *
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/limits
 */
export const MAX_BODY_BYTES = 2_621_440;

/** A request for which an operation was found. */
export interface RoutedRequest {
  readonly request: IncomingMessage;
  readonly operation: GatewayOperation;
  /** Parameters of the path by name, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What the gateway sends to the client: an integration's answer, or one of its own. */
export type GatewayResponse = ContainerResponse;

/** An answer of the gateway's own, in JSON: `{ "message": … }`. */
export function gatewayAnswer(status: number, message: string): GatewayResponse {
  return {
    status,
    headers: [["content-type", "application/json"]],
    body: Buffer.from(JSON.stringify({ message })),
  };
}

/** A text in which `{name}` is replaced by the request's parameter of that name, where it has one. */
export function substitute(text: string, routed: RoutedRequest): string {
  const values = valuesOf(routed);
  return text.replace(/\{([^{}]+)\}/g, (braces, name) => values[name] ?? braces);
}

/** All declared parameters that the request has, or that have a default. */
function valuesOf({
  request,
  operation,
  parameters,
}: RoutedRequest): Record<string, string | undefined> {
  const { query } = splitTarget(request);
  const find = (place: unknown, name: string): string | undefined => {
    if (place === "query") return query.get(name) ?? undefined;
    if (place === "header") return request.headers[name.toLowerCase()]?.toString();
    if (place === "cookie") return cookie(request.headers.cookie ?? "", name);
    return parameters[name];
  };
  const declared = operation.parameters.map(({ in: place, name, schema }) => [
    name,
    find(place, String(name)) ?? asObject(schema).default?.toString(),
  ]);
  return { ...parameters, ...Object.fromEntries(declared) };
}

function cookie(header: string, name: string): string | undefined {
  const pairs = header.split(/;\s*/).map((pair) => pair.split("="));
  return pairs
    .find(([key]) => key === name)
    ?.slice(1)
    .join("=");
}
