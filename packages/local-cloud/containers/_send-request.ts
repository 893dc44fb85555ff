import type { Dispatcher } from "undici";
import { firstLine, firstLineOf, READ_BYTES } from "../support/first-line.ts";
import { REFUSED_IN_RESPONSES, requestHeaders, responseHeaders } from "./_headers.ts";
import { agent } from "./_readiness.ts";
import { TOKEN, TOKEN_HEADER } from "./_token.ts";
import type { ContainerRequest, ContainerResponse } from "./invoke.ts";

// Of a response, headers included: https://yandex.cloud/en/docs/serverless-containers/concepts/limits
const MAX_BYTES = 3_670_016;

/** A response that the platform does not pass on. */
export class RefusedResponse extends Error {
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

/**
 * Sends a request to a port of loopback.
 *
 * @throws RefusedResponse, or what undici throws when there is no answer
 */
export async function sendRequest(
  port: number,
  request: ContainerRequest,
  signal: AbortSignal,
): Promise<ContainerResponse> {
  const answer = await agent.request({
    origin: `http://127.0.0.1:${port}`,
    // As it is: a URL would take dots and slashes out.
    path: request.path,
    // Any method does; undici's type has only the usual ones.
    method: request.method as "GET",
    headers: [...requestHeaders(request.headers), [TOKEN_HEADER, TOKEN]].flat(),
    body: request.body.length > 0 ? request.body : null,
    signal,
  });
  const headers = Object.entries(answer.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => [name, one] as const),
  );
  const refused = headers.find(([name]) => REFUSED_IN_RESPONSES.includes(name));
  if (refused) throw await refuseHeader(answer, refused[0]);
  const limit = MAX_BYTES - sizeOf(headers);
  const content = await collect(answer.body, limit);
  if (content.length > limit) throw refuseSize(answer.statusCode, content);
  return { status: answer.statusCode, headers: responseHeaders(headers), body: content };
}

/** What a stream holds; of one with more than `limit` bytes its beginning, which is longer than that. */
async function collect(body: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limit) break;
  }
  return Buffer.concat(chunks, bytes);
}

async function refuseHeader(
  { statusCode, body }: Pick<Dispatcher.ResponseData, "statusCode" | "body">,
  name: string,
): Promise<RefusedResponse> {
  const line = await firstLineOf(body);
  return new RefusedResponse(
    `answered ${statusCode} with the header ${name}, which the platform rejects${quote(line)}`,
    name === "transfer-encoding" ? "Send a Content-Length" : `Remove the header ${name}`,
  );
}

function refuseSize(status: number, content: Buffer): RefusedResponse {
  const line = firstLine(content.subarray(0, READ_BYTES).toString());
  return new RefusedResponse(
    `answered ${status} with more than 3.5 MB, which the platform rejects${quote(line)}`,
    "Serve larger files from a bucket",
  );
}

/** What a replaced answer would have said. */
function quote(line: string): string {
  return line === "" ? "" : `. It starts with: ${line}`;
}

/** Bytes of headers as they are counted. */
function sizeOf(headers: ContainerRequest["headers"]): number {
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
