import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { buffer } from "node:stream/consumers";
import {
  type GatewayResponse,
  gatewayAnswer,
  MAX_BODY_BYTES,
  type RoutedRequest,
  substitute,
} from "./_integration.ts";

/** Of what sites are made of; anything else is sent as bytes. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".avif": "image/avif",
  ".css": "text/css; charset=utf-8",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".otf": "font/otf",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".ttf": "font/ttf",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".xml": "application/xml",
};

/**
 * Serves files as objects of a bucket.
 *
 * @param buckets folder with a folder for each bucket
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/extensions/object-storage
 */
export async function answerObject(
  buckets: string,
  routed: RoutedRequest,
): Promise<GatewayResponse> {
  const { method, headers } = routed.request;
  if (method !== "GET" && method !== "HEAD") return gatewayAnswer(405, "Method Not Allowed");
  const { bucket, object, error_object, default_object } = routed.operation.integration;
  const folder = join(buckets, String(bucket));
  const found = await find(folder, object, routed);
  if (found) return send(found, 200, headers["if-none-match"]);
  const instead =
    (await find(folder, default_object, routed)) ?? (await find(folder, error_object, routed));
  if (instead) return send(instead, 404);
  const name = substitute(String(object), routed);
  return gatewayAnswer(404, `No object ${name} in bucket ${bucket}: its files are in ${folder}`);
}

interface StoredObject {
  readonly path: string;
  readonly content: Buffer;
  readonly modified: Date;
}

async function find(
  folder: string,
  name: unknown,
  routed: RoutedRequest,
): Promise<StoredObject | undefined> {
  if (typeof name !== "string") return undefined;
  const path = join(folder, substitute(name, routed));
  if (!path.startsWith(`${folder}${sep}`) || path.includes("\0")) return undefined;
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isFile()) return undefined;
  // One byte more than is sent shows that there are too many.
  const content = await buffer(createReadStream(path, { end: MAX_BODY_BYTES }));
  return { path, content, modified: stats.mtime };
}

function send(
  { path, content, modified }: StoredObject,
  status: number,
  known?: string,
): GatewayResponse {
  const etag = `"${content.length.toString(16)}-${modified.getTime().toString(16)}"`;
  const headers: [string, string][] = [
    ["etag", etag],
    ["last-modified", modified.toUTCString()],
  ];
  if (known === etag) return { status: 304, headers, body: Buffer.alloc(0) };
  const type = CONTENT_TYPES[extname(path).toLowerCase()] ?? "application/octet-stream";
  return {
    status,
    headers: [...headers, ["content-type", type], ["content-length", String(content.length)]],
    body: content,
  };
}
