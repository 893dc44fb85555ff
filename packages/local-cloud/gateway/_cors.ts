import type { IncomingMessage } from "node:http";
import type { JsonObject } from "../support/json.ts";
import type { GatewayResponse } from "./_integration.ts";

/** Whether a browser asks for permission before the request that it means. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

/**
 * The gateway's own answer to a preflight request.
 *
 * @param rule `x-yc-apigateway-cors` of the path
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/extensions/cors
 */
export function answerPreflight(rule: JsonObject, request: IncomingMessage): GatewayResponse {
  const methods = rule.methods ?? request.headers["access-control-request-method"];
  return {
    status: Number(rule.optionsSuccessStatus ?? 200),
    headers: [
      ...corsHeaders(rule, request),
      ...header("access-control-allow-methods", methods),
      ...header("access-control-allow-headers", rule.allowedHeaders),
      ...header("access-control-max-age", rule.maxAge),
    ],
    body: Buffer.alloc(0),
  };
}

/** An answer with the headers that let a page of another origin read it. */
export function withCors(
  answer: GatewayResponse,
  rule: JsonObject,
  request: IncomingMessage,
): GatewayResponse {
  const headers = corsHeaders(rule, request);
  const names = new Set(headers.map(([name]) => name));
  const kept = answer.headers.filter(([name]) => !names.has(name.toLowerCase()));
  return { ...answer, headers: [...kept, ...headers] };
}

function corsHeaders(rule: JsonObject, request: IncomingMessage): GatewayResponse["headers"] {
  const origin = rule.origin === true ? request.headers.origin : rule.origin;
  return [
    ...header("access-control-allow-origin", origin),
    ...header("access-control-allow-credentials", rule.credentials),
    ...header("access-control-expose-headers", rule.exposedHeaders),
  ];
}

function header(name: string, value: unknown): [string, string][] {
  return value === undefined ? [] : [[name, String(value)]];
}
