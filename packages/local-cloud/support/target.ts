import type { IncomingMessage } from "node:http";

/**
 * Path and query of a request, as they were sent. Clients send paths that a URL cannot have: the one
 * of `GET ///` would be a host's name.
 */
export function splitTarget({ url = "/" }: Pick<IncomingMessage, "url">) {
  const [target = ""] = url.split("#");
  const [path = "", ...query] = target.split("?");
  return { path, query: new URLSearchParams(query.join("?")) };
}
