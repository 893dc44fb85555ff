import { Readable } from "node:stream";
import { REFUSED_IN_RESPONSES, requestHeaders, responseHeaders } from "./_headers.ts";
import { agent } from "./_readiness.ts";
import { TOKEN, TOKEN_HEADER } from "./_token.ts";
import type { ContainerRequest, ContainerResponse } from "./invoke.ts";

/** Bytes of a request or a response, headers included. */
export const MAX_BYTES = 3_670_016;

/** A response that the platform does not pass on. */
export class RefusedResponse extends Error {}

/** What a stream holds; `undefined` when that is more than `limit` bytes. */
export async function collect(body: Buffer | Readable, limit: number): Promise<Buffer | undefined> {
  if (!(body instanceof Readable)) return body.length > limit ? undefined : body;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limit) return undefined;
  }
  return Buffer.concat(chunks, bytes);
}

/**
 * Sends a request to a port of loopback.
 *
 * @throws RefusedResponse, or what undici throws when there is no answer
 */
export async function call(
  port: number,
  request: ContainerRequest,
  body: Buffer,
  signal: AbortSignal,
): Promise<ContainerResponse> {
  const answer = await agent.request({
    origin: `http://127.0.0.1:${port}`,
    // As it is: a URL would take dots and slashes out.
    path: request.path,
    method: request.method as "GET",
    headers: [...requestHeaders(request), [TOKEN_HEADER, TOKEN]].flat(),
    body: body.length > 0 ? body : null,
    signal,
  });
  const headers = Object.entries(answer.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => [name, one] as const),
  );
  const refused = headers.find(([name]) => REFUSED_IN_RESPONSES.includes(name));
  const content = refused ? undefined : await collect(answer.body, MAX_BYTES - sizeOf(headers));
  if (content === undefined) {
    answer.body.on("error", () => {}).destroy();
    throw new RefusedResponse(
      refused
        ? `answered with the header ${refused[0]}, which the platform refuses`
        : `answered with more than 3.5 MB, which the platform refuses`,
    );
  }
  return {
    status: answer.statusCode,
    headers: responseHeaders(headers, request.via),
    body: content,
  };
}

/** Bytes of headers as they are counted. */
export function sizeOf(headers: ContainerRequest["headers"]): number {
  return headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
}

/** An answer of the platform's own. */
export function platformAnswer(status: number, text: string): ContainerResponse {
  const body = Buffer.from(`${text}\n`);
  return {
    status,
    headers: [
      ["content-type", "text/plain; charset=utf-8"],
      ["content-length", String(body.length)],
    ],
    body,
  };
}
