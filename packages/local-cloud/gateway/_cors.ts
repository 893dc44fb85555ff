import type { IncomingMessage } from "node:http";
import type { Mapping } from "./_gateway-document.ts";
import type { Answer } from "./_integration.ts";

type Headers = Answer["headers"];

/** Whether a browser asks for leave before the request that it means. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

/** @see https://yandex.cloud/en/docs/api-gateway/concepts/extensions/cors */
export function answerPreflight(rule: Mapping, request: IncomingMessage): Answer {
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

/** What lets a page read an answer. */
export function corsHeaders(rule: Mapping, request: IncomingMessage): Headers {
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
