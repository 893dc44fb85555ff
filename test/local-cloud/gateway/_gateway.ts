import { request } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Invoke } from "../../../packages/local-cloud/containers/invoke.ts";
import type { Happening } from "../../../packages/local-cloud/events/event.ts";
import { startGateway } from "../../../packages/local-cloud/gateway/server.ts";

export interface Options {
  readonly spec: object | string;
  readonly invoke?: Invoke;
  readonly buckets?: string;
  readonly timeoutSeconds?: number;
}

/** A gateway over a container that answers with what it was asked. */
export async function openGateway(options: Options) {
  const { spec, invoke = echo, buckets = "nowhere", timeoutSeconds = 60 } = options;
  const reported: Happening[] = [];
  const text = typeof spec === "string" ? spec : JSON.stringify(spec);
  const { url, port, close } = await startGateway({
    gateway: { name: "shop-gateway", spec: text, timeoutSeconds },
    port: 0,
    invoke,
    buckets,
    report: (happening) => reported.push(happening),
  });
  return { url, port, close, reported };
}

const echo: Invoke = async (container, { method, path, headers, body }) => ({
  status: 200,
  headers: [["x-container", container]],
  body: Buffer.from(JSON.stringify({ method, path, headers, body: String(body) })),
});

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Asks for a path exactly as it is written, which `fetch` would tidy up. */
export function ask(
  port: number,
  path: string,
  {
    method = "GET",
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      buffer(incoming).then(
        (content) =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: String(content),
          }),
        reject,
      );
    });
    outgoing.end(body);
  });
}

/** An integration with a container. */
export const WEB = { type: "serverless_containers", container_id: "shop-web" };

/** A path whose requests go to an integration. */
export function to(integration: object, method = "x-yc-apigateway-any-method", more: object = {}) {
  return { [method]: { "x-yc-apigateway-integration": integration, ...more } };
}
