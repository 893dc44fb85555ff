import { TOKEN_HEADER } from "./_token.ts";
import type { ContainerRequest, ContainerResponse } from "./invoke.ts";

// https://yandex.cloud/en/docs/serverless-containers/concepts/invoke lists what is taken out of calls
// over HTTPS. For calls through a gateway it says only that the request is handed over; sites with
// sessions work behind one, so cookies and authorization stay there.
const NOT_SENT: ReadonlySet<string> = new Set([
  // Of one connection only.
  "connection",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  // Counted again.
  "content-length",
  TOKEN_HEADER,
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

/** Response headers that the platform answers with an error. */
export const REFUSED_IN_RESPONSES = ["proxy-authenticate", "transfer-encoding", "via"];

/** What a container gets to see of a request's headers. */
export function requestHeaders(headers: ContainerRequest["headers"]): ContainerRequest["headers"] {
  return headers.filter(([name]) => !NOT_SENT.has(name.toLowerCase()));
}

/** What the caller gets to see of a response's headers. */
export function responseHeaders(
  headers: ContainerResponse["headers"],
): ContainerResponse["headers"] {
  return headers.filter(([name]) => !NOT_RETURNED.has(name.toLowerCase()));
}
