import { createReadStream, type Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { type Answer, type Call, gatewayAnswer, substitute } from "./_integration.ts";

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
  ".mjs": "text/javascript; charset=utf-8",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
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
export async function answerObject(buckets: string, call: Call): Promise<Answer> {
  const { method, headers } = call.request;
  if (method !== "GET" && method !== "HEAD") return gatewayAnswer(405, "Method Not Allowed");
  const { bucket, object, error_object, default_object } = call.operation.integration;
  const folder = join(buckets, String(bucket));
  const found = await find(folder, object, call);
  if (found) return send(found, 200, headers["if-none-match"]);
  const instead =
    (await find(folder, default_object, call)) ?? (await find(folder, error_object, call));
  if (instead) return send(instead, 404);
  const name = substitute(String(object), call);
  return gatewayAnswer(404, `No object ${name} in bucket ${bucket}: its files are in ${folder}`);
}

interface Found {
  readonly path: string;
  readonly stats: Stats;
}

async function find(folder: string, name: unknown, call: Call): Promise<Found | undefined> {
  if (typeof name !== "string") return undefined;
  const path = join(folder, substitute(name, call));
  if (!path.startsWith(`${folder}${sep}`) || path.includes("\0")) return undefined;
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ? { path, stats } : undefined;
}

function send({ path, stats }: Found, status: number, known?: string): Answer {
  const etag = `"${stats.size.toString(16)}-${Math.trunc(stats.mtimeMs).toString(16)}"`;
  const headers: [string, string][] = [
    ["etag", etag],
    ["last-modified", stats.mtime.toUTCString()],
  ];
  if (known === etag) return { status: 304, headers, body: Buffer.alloc(0) };
  return {
    status,
    headers: [
      ...headers,
      ["content-type", CONTENT_TYPES[extname(path).toLowerCase()] ?? "application/octet-stream"],
      ["content-length", String(stats.size)],
    ],
    body: createReadStream(path),
  };
}
