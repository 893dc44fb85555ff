import { TOKEN_HEADER } from "./_token.ts";
import type { ContainerRequest } from "./invoke.ts";

type Headers = readonly (readonly [string, string])[];

// https://yandex.cloud/en/docs/serverless-containers/concepts/invoke lists these for calls over
// HTTPS. For calls through a gateway it says only that the request is handed over; sites with
// sessions work behind one, so cookies and authorization stay there.
const HOP_BY_HOP = ["connection", "expect", "keep-alive", "proxy-connection", "te", "trailer"];
const HOP_BY_HOP_TOO = ["transfer-encoding", "upgrade", "proxy-authenticate"];
const NEVER_SENT: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...HOP_BY_HOP_TOO,
  // Counted anew.
  "content-length",
  TOKEN_HEADER,
]);
const NOT_SENT_DIRECTLY: ReadonlySet<string> = new Set([
  "authorization",
  "content-md5",
  "cookie",
  "max-forwards",
  "server",
  "www-authenticate",
]);
const NOT_RETURNED: ReadonlySet<string> = new Set([
  "host",
  "authorization",
  "user-agent",
  "connection",
  "keep-alive",
  "max-forwards",
  "cookie",
  "x-request-id",
  "x-function-id",
  "x-function-version-id",
]);
const NOT_RETURNED_DIRECTLY: ReadonlySet<string> = new Set(["x-content-type-options"]);
const RENAMED_DIRECTLY: ReadonlySet<string> = new Set([
  "content-md5",
  "date",
  "server",
  "www-authenticate",
]);

/** Response headers that the platform answers with an error. */
export const REFUSED_IN_RESPONSES = ["proxy-authenticate", "transfer-encoding", "via"];

/** What a container gets to see of a request's headers. */
export function requestHeaders({ headers, via }: ContainerRequest): [string, string][] {
  return headers.flatMap(([name, value]) => {
    const key = name.toLowerCase();
    const dropped = NEVER_SENT.has(key) || (via !== "gateway" && NOT_SENT_DIRECTLY.has(key));
    return dropped ? [] : [[name, value] as [string, string]];
  });
}

/** What the caller gets to see of a response's headers. */
export function responseHeaders(headers: Headers, via: ContainerRequest["via"]): Headers {
  const direct = via !== "gateway";
  return headers.flatMap(([name, value]) => {
    const key = name.toLowerCase();
    if (NOT_RETURNED.has(key) || (direct && NOT_RETURNED_DIRECTLY.has(key))) return [];
    return [[direct && RENAMED_DIRECTLY.has(key) ? `X-Yf-Remapped-${name}` : name, value]];
  });
}
