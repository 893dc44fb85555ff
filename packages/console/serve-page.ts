import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";

/** Every command runs in the folder of the project; its bundle lies elsewhere. */
const FOLDER = join("packages", "console", "page");
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
// The icon stands in index.html, which saves a request.
const POLICY =
  "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A file of the page as it is sent. */
interface PageFile {
  readonly type: string;
  readonly tag: string;
  readonly body: Buffer;
}

/** The files of the page by their paths; no other is ever read. */
export type Page = ReadonlyMap<string, PageFile>;

/** Reads the page, once: `index.html` is at `/`, every other file at `/page/<name>`. */
export function readPage(folder = FOLDER): Page {
  const names = readdirSync(folder).filter((name) => extname(name) in TYPES);
  return new Map(
    names.map((name) => [name === "index.html" ? "/" : `/page/${name}`, readFile(folder, name)]),
  );
}

function readFile(folder: string, name: string): PageFile {
  const body = readFileSync(join(folder, name));
  const tag = `"${createHash("sha256").update(body).digest("base64url")}"`;
  return { type: TYPES[extname(name)] ?? "", tag, body };
}

/** Answers with a file of the page. Returns whether the path is one of its files. */
export function servePage(
  page: Page,
  { method = "", headers }: IncomingMessage,
  response: ServerResponse,
  path: string,
): boolean {
  const file = page.get(path);
  if (file === undefined || !["GET", "HEAD"].includes(method)) return false;
  const isKnown = headers["if-none-match"] === file.tag;
  response.writeHead(isKnown ? 304 : 200, {
    "Content-Type": file.type,
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    ETag: file.tag,
  });
  response.end(isKnown ? undefined : file.body);
  return true;
}
