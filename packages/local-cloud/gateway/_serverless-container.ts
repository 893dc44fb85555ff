import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Invoke } from "../containers/invoke.ts";
import { type GatewayResponse, type RoutedRequest, substitute } from "./_integration.ts";

const CONTEXT = "x-yc-apigateway-operation-context";

/** What the gateway needs to hand a request to a container. */
export interface ContainerCall extends RoutedRequest {
  readonly invoke: Invoke;
  /** Id in the cloud's shape: `d5d` and 17 characters. */
  readonly gatewayId: string;
  readonly body: Buffer;
}

/**
 * Hands a request over as it came, with its host and path, and with the headers by which a
 * container knows that it came through a gateway.
 *
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/extensions/containers
 */
export function answerByContainer(call: ContainerCall): Promise<GatewayResponse> {
  const { request, operation, invoke, body } = call;
  const { container_id: container, context } = operation.integration;
  const own = gatewayHeaders(request, call.gatewayId);
  if (context !== undefined) own.push([CONTEXT, encode(context, call)]);
  // Said by the gateway alone, whatever a client says.
  const reserved = new Set([CONTEXT, ...own.map(([name]) => name)]);
  const sent = clientHeaders(request).filter(([name]) => !reserved.has(name.toLowerCase()));
  return invoke(String(container), {
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers: [...sent, ...own],
    body,
  });
}

/** As they were written, repeated ones one by one. */
function clientHeaders({ rawHeaders }: IncomingMessage): [string, string][] {
  return Array.from({ length: rawHeaders.length / 2 }, (_, index) => {
    const [name = "", value = ""] = rawHeaders.slice(index * 2, index * 2 + 2);
    return [name, value];
  });
}

function gatewayHeaders(
  { headers, socket }: IncomingMessage,
  gatewayId: string,
): [string, string][] {
  const address = socket.remoteAddress ?? "";
  const forwarded = headers["x-forwarded-for"];
  return [
    ["x-forwarded-for", forwarded === undefined ? address : `${forwarded}, ${address}`],
    ["x-forwarded-proto", "http"],
    ["x-real-remote-address", `${address}:${socket.remotePort}`],
    ["x-request-id", randomUUID()],
    ["x-serverless-certificate-ids", "{}"],
    ["x-serverless-gateway-id", gatewayId],
    ["x-trace-id", randomUUID()],
  ];
}

function encode(context: unknown, routed: RoutedRequest): string {
  const text = JSON.stringify(context, (_, value) =>
    typeof value === "string" ? substitute(value, routed) : value,
  );
  return Buffer.from(text).toString("base64");
}
