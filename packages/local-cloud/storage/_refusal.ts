import type { IncomingMessage } from "node:http";
import { refusalOf } from "../support/guard.ts";
import { splitTarget } from "../support/target.ts";

/** Why a request is not carried out, in words of S3. */
export interface Refusal {
  readonly code: "AccessDenied" | "InvalidURI";
  readonly message: string;
  readonly fix?: string;
}

/**
 * What is refused whoever serves it: requests of other sites' pages, unsigned ones, and those that are
 * for the owner of the bucket.
 *
 * @param hosts names of this machine besides localhost
 */
export function findRefusal(
  request: IncomingMessage,
  hosts?: readonly string[],
): Refusal | undefined {
  const { method, headers } = request;
  const { path, query } = splitTarget(request);
  const isSigned = headers.authorization !== undefined || query.has("X-Amz-Signature");
  // A link is as good in a mail, or in a page that calls this machine by another name.
  const { "sec-fetch-site": _, ...others } = headers;
  const foreign = refusalOf({ headers: isSigned ? others : headers }, hosts);
  if (foreign !== undefined) return { code: "AccessDenied", message: foreign };
  if (/(\/|%2f)(\.|%2e){2}(\/|%2f|$)/i.test(path)) {
    return { code: "InvalidURI", message: `${path} would lead out of the bucket.` };
  }
  if (!isSigned && method !== "OPTIONS" && !isForm(request)) {
    return {
      code: "AccessDenied",
      message: `${method} ${path} is not signed, and the bucket is private.`,
      fix: "Use the link that url() of the storage makes; its signature_version has to be s3v4",
    };
  }
  if ((method === "PUT" || method === "DELETE") && /^\/[^/]*\/?$/.test(path)) {
    return {
      code: "AccessDenied",
      message: `${method} ${path} would change a bucket, which only the stack does.`,
    };
  }
  return undefined;
}

/** A form that uploads. Its signature is inside. */
function isForm({ method, headers }: IncomingMessage): boolean {
  return method === "POST" && /^multipart\/form-data\b/.test(headers["content-type"] ?? "");
}
