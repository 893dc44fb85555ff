import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { BILLING } from "./http/billing.ts";
import { CONTAINER_URLS } from "./http/containers.ts";
import { DOCUMENT_API } from "./http/document-api.ts";
import { GATEWAY } from "./http/gateway.ts";
import { MESSAGE_QUEUE, type Messages, startMessages } from "./http/message-queue.ts";
import { MONITORING } from "./http/monitoring.ts";
import {
  type CloudRequest,
  type CloudResponse,
  type Context,
  json,
  type Service,
} from "./http/service.ts";
import {
  CERTIFICATES,
  CONTAINERS,
  DNS,
  FOLDERS,
  GATEWAYS,
  IAM,
  LOCKBOX,
  LOCKBOX_PAYLOAD,
  LOGGING,
  MDB,
  OPERATIONS,
  REGISTRY,
  VPC,
  YDB,
} from "./http/services.ts";
import { STORAGE } from "./http/storage.ts";
import { PIPELINE_TOKEN, TOKEN_EXCHANGE } from "./http/token-exchange.ts";
import { TRIGGERS } from "./http/triggers.ts";
import { changeCloud, readCloud } from "./state.ts";

const SERVICES: readonly Service[] = [
  TRIGGERS,
  CONTAINERS,
  GATEWAYS,
  REGISTRY,
  OPERATIONS,
  LOCKBOX,
  LOCKBOX_PAYLOAD,
  LOGGING,
  YDB,
  VPC,
  MDB,
  DNS,
  FOLDERS,
  CERTIFICATES,
  IAM,
  BILLING,
  MONITORING,
  DOCUMENT_API,
  MESSAGE_QUEUE,
  STORAGE,
  CONTAINER_URLS,
  GATEWAY,
  TOKEN_EXCHANGE,
  PIPELINE_TOKEN,
];

export interface CloudHttpOptions {
  cloudDir: string;
  /** @default 0, any free one */
  port?: number;
  /** Static keys that were not made in the cloud, id to secret: those a pipeline brings along. */
  accessKeys?: Record<string, string>;
}

/**
 * What a test may do to a request: cut its connection, or have it answered otherwise. `before`: it is
 * not carried out then; `after`: it was.
 */
export type Interference = (
  request: { readonly service: string; readonly body: string },
  phase: "before" | "after",
) => CloudResponse | "cut" | undefined;

export interface CloudHttp {
  /** `http://127.0.0.1:<port>`; `<url>/{service}` is the base of the REST services. */
  url: string;
  /** What points the provider, the scripts and the tools at this cloud. */
  env: Record<"CLOUD_DIR" | "CLOUD_HTTP" | "YC_API_URL" | "YC_GATEWAY_URL", string>;
  /** What is in the queues. */
  readonly messages: Messages;
  /** @default - nothing goes wrong */
  interfere: Interference;
  close(): Promise<void>;
}

/**
 * Starts the HTTP side of the stand-in cloud: each host of the real one is a first path part. It
 * runs in the test's own process, so what talks to it must not be started by `spawnSync`.
 */
export async function startCloudHttp(options: CloudHttpOptions): Promise<CloudHttp> {
  const { cloudDir, port = 0, accessKeys = {} } = options;
  const messages = await startMessages();
  const context = {
    url: "",
    accessKeys,
    messages,
    read: <T>(read: (cloud: ReturnType<typeof readCloud>) => T) => read(readCloud(cloudDir)),
    change: <T>(change: (cloud: ReturnType<typeof readCloud>) => T) =>
      changeCloud(change, cloudDir),
  };
  const server = createServer((incoming, outgoing) => {
    void receive(incoming)
      .then((body) => answer(incoming, body, context, cloud.interfere))
      .catch((error: unknown) => json(500, { message: String(error) }))
      .then((response) => {
        if (response === "cut") return void outgoing.destroy();
        const { status, headers, body = "" } = response;
        // Terraform's S3 client asks again and again for an object that comes without its length.
        const length = { "content-length": Buffer.byteLength(body) };
        outgoing.writeHead(status, { ...length, ...headers }).end(body);
      });
  });
  context.url = `http://127.0.0.1:${await listen(server, port)}`;
  const { url } = context;
  const cloud: CloudHttp = {
    ...{ url, messages, env: environment(cloudDir, url) },
    interfere: () => undefined,
    close: async () => {
      await close(server);
      await messages.close();
    },
  };
  return cloud;
}

function environment(cloudDir: string, url: string): CloudHttp["env"] {
  return {
    CLOUD_DIR: cloudDir,
    CLOUD_HTTP: url,
    YC_API_URL: `${url}/{service}`,
    YC_GATEWAY_URL: `${url}/gateway/{domain}`,
  };
}

async function answer(
  incoming: IncomingMessage,
  body: Buffer,
  context: Context,
  interfere: Interference,
): Promise<CloudResponse | "cut"> {
  const { method = "GET", url: target = "/", headers } = incoming;
  const [scheme] = headers.authorization?.split(" ") ?? ["none"];
  context.change(({ log }) => log.push(`http ${method} ${target} authorization=${scheme}`));
  const url = new URL(target, "http://127.0.0.1");
  const [, name = "", path = ""] = /^\/([^/]+)(.*)$/s.exec(decodeURIComponent(url.pathname)) ?? [];
  const service = SERVICES.find((service) => service.name === name);
  if (!service) return json(404, { message: `No service ${name}` });
  if (context.read(({ faults }) => faults.unavailable?.includes(name)))
    return service.unavailable();
  const request: CloudRequest = { method, target, path, query: url.searchParams, headers, body };
  const asked = { service: name, body: body.toString() };
  const instead = interfere(asked, "before");
  if (instead) return instead;
  const response = await service.handle(request, context);
  return interfere(asked, "after") ?? response;
}

async function receive(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
