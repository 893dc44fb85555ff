import type { IncomingHttpHeaders } from "node:http";
import type { Cloud } from "../state.ts";
import type { Messages } from "./message-queue.ts";

export interface CloudRequest {
  readonly method: string;
  /** Path and query as sent: what a signature covers. */
  readonly target: string;
  /** The path below the service's name, decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface CloudResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Context {
  /** Where the server listens. */
  readonly url: string;
  /** Static keys that the cloud did not make: access key id to secret. They may do everything. */
  readonly accessKeys: Readonly<Record<string, string>>;
  readonly messages: Messages;
  read<T>(read: (cloud: Cloud) => T): T;
  change<T>(change: (cloud: Cloud) => T): T;
}

/** One host of the cloud; the first part of the path names it. */
export interface Service {
  readonly name: string;
  handle(request: CloudRequest, context: Context): CloudResponse | Promise<CloudResponse>;
  /** How this service says that it is not there. */
  unavailable(): CloudResponse;
}

export function json(status: number, body: unknown): CloudResponse {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

export function xml(status: number, body: string): CloudResponse {
  return {
    status,
    headers: { "content-type": "application/xml" },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
  };
}

export function escapeXml(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (char) => names[char] ?? char);
}

export function bearer(request: CloudRequest): string | undefined {
  return /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
}
