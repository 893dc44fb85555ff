import type { IncomingMessage } from "node:http";

const LOCAL = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** This machine's name in a Docker container. Without Docker, nobody who calls it so comes from here. */
export const DOCKER_HOST = "host.docker.internal";

/**
 * Why a request is rejected that somebody else's web page could have sent, or `undefined`. A page
 * can make a browser post to any address, also to this machine's, and by a name of its own that
 * leads here (DNS rebinding).
 *
 * @param hosts names that are allowed besides those of this machine, without a port
 */
export function refusalOf(
  { headers }: Pick<IncomingMessage, "headers">,
  hosts: readonly string[] = [],
): string | undefined {
  const { host = "", origin } = headers;
  if (!isLocal(hostname(host), hosts)) {
    return `Host is "${host}". Only ${[...LOCAL, ...hosts].join(", ")} are allowed.`;
  }
  if (origin !== undefined && !isLocal(originName(origin), hosts)) {
    return `Origin is "${origin}". Pages of other sites cannot send requests here.`;
  }
  if (headers["sec-fetch-site"] === "cross-site") {
    return "Sec-Fetch-Site is cross-site. Enter the address by hand instead of following a link.";
  }
  return undefined;
}

function isLocal(name: string, hosts: readonly string[]): boolean {
  return LOCAL.has(name) || name.endsWith(".localhost") || hosts.includes(name);
}

/** The name without the port, in lower case: `[::1]:8000` is `[::1]`. */
function hostname(host: string): string {
  const colon = host.lastIndexOf(":");
  const name = colon > host.lastIndexOf("]") ? host.slice(0, colon) : host;
  return name.toLowerCase();
}

function originName(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : "";
}
