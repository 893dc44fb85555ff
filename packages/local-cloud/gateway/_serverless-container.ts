import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Invoke } from "../containers/invoke.ts";
import { type Answer, type Call, substitute } from "./_integration.ts";

const CONTEXT = "x-yc-apigateway-operation-context";
/** Said by the gateway alone, whatever a client says. */
const OWN = new Set([
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-real-remote-address",
  "x-request-id",
  "x-serverless-certificate-ids",
  "x-serverless-gateway-id",
  "x-trace-id",
  CONTEXT,
]);

export interface ContainerCall extends Call {
  readonly invoke: Invoke;
  readonly gatewayId: string;
  readonly body: Readable | Buffer;
}

/**
 * Hands a request over as it came, with its host and path, and with the headers by which a
 * container knows that it came through a gateway.
 *
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/extensions/containers
 */
export function answerByContainer({
  invoke,
  gatewayId,
  body,
  ...call
}: ContainerCall): Promise<Answer> {
  const { request, operation } = call;
  const { container_id: container, context } = operation.integration;
  return invoke(String(container), {
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers: [
      ...clientHeaders(request),
      ...gatewayHeaders(request, gatewayId),
      ...(context === undefined ? [] : [[CONTEXT, encode(context, call)] as const]),
    ],
    body,
    via: "gateway",
  });
}

/** As they were written, repeated ones one by one. */
function clientHeaders({ rawHeaders }: IncomingMessage): [string, string][] {
  const headers: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = rawHeaders.slice(index, index + 2);
    if (!OWN.has(name.toLowerCase())) headers.push([name, value]);
  }
  return headers;
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

function encode(context: unknown, call: Call): string {
  const text = JSON.stringify(context, (_, value) =>
    typeof value === "string" ? substitute(value, call) : value,
  );
  return Buffer.from(text).toString("base64");
}
