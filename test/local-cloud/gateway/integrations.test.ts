import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ROOT } from "../../support/sources.ts";
import { ask, type Options, openGateway, to, WEB } from "./_gateway.ts";

/** What the worker package says of files that it puts into a bucket, beside Python's own table. */
const UPLOADED = [
  ...readFileSync(
    join(ROOT, "packages/celery-push-worker/src/celery_push_worker/_static_file.py"),
    "utf8",
  ).matchAll(/^ {4}"(\.\w+)": "([\w/+-]+)",$/gm),
].map(([, extension = "", type = ""]) => [extension, type] as const);

let gateway: Awaited<ReturnType<typeof openGateway>>;
afterEach(() => gateway?.close());

async function open(paths: object, more: Partial<Options> & { settings?: object } = {}) {
  const { settings = {}, ...options } = more;
  const spec = { openapi: "3.0.3", "x-yc-apigateway": settings, paths };
  gateway = await openGateway({ spec, ...options });
  return (...[path, asked]: [string, Parameters<typeof ask>[2]?]) => ask(gateway.port, path, asked);
}

describe("a dummy", () => {
  const contents = { "application/json": "{}", "text/html": "<p>", "*": "any" };
  test.each([
    [undefined, 200, "application/json", "{}"],
    ["text/html, application/json;q=0.5", 200, "text/html", "<p>"],
    ["text/html;q=0.5, application/json", 200, "application/json", "{}"],
    ["text/*", 200, "text/html", "<p>"],
    ["*/*", 200, "application/json", "{}"],
    ["image/png", 200, undefined, "any"],
    ["application/json;q=0", 200, undefined, "any"],
  ])("for Accept %s answers with %s %s", async (accept, status, type, body) => {
    const get = await open({ "/": to({ type: "dummy", http_code: 200, content: contents }) });
    const reply = await get("/", { headers: accept === undefined ? {} : { accept } });
    expect(reply).toMatchObject({ status, body });
    expect(reply.headers["content-type"]).toBe(type);
  });

  test("answers 415 where nothing fits, and nothing where there is nothing", async () => {
    const dummy = { type: "dummy", http_code: 204 };
    const get = await open({
      "/typed": to({ ...dummy, content: { "text/html": "" } }),
      "/empty": to({ ...dummy, http_headers: { Location: "/x" } }),
    });
    expect((await get("/typed", { headers: { accept: "image/png" } })).status).toBe(415);
    const { status, headers } = await get("/empty");
    expect(status).toBe(204);
    expect(headers.location).toBe("/x");
  });

  test("puts parameters of all places into its content", async () => {
    const parameters = [
      { name: "a", in: "path", required: true },
      { name: "b", in: "query" },
      { name: "X-C", in: "header" },
      { name: "d", in: "cookie" },
      { name: "e", in: "query", schema: { default: 5 } },
    ];
    const content = { "*": "{a} {b} {X-C} {d} {e} {f}" };
    const dummy = { type: "dummy", http_code: 200, content };
    const get = await open({ "/{a}": to(dummy, "get", { parameters }) });
    const headers = { "x-c": "3", cookie: "x=y; d=4" };
    expect((await get("/1?b=2", { headers })).body).toBe("1 2 3 4 5 {f}");
  });
});

describe("objects", () => {
  let buckets: string;
  beforeEach(() => {
    buckets = mkdtempSync(join(tmpdir(), "buckets-"));
    mkdirSync(join(buckets, "files", "static", "css"), { recursive: true });
    writeFileSync(join(buckets, "files", "static", "css", "site.css"), "p {}");
    writeFileSync(join(buckets, "files", "static", "my file.bin"), "bytes");
    writeFileSync(join(buckets, "files", "index.html"), "<p>index");
    writeFileSync(join(buckets, "files", "error.html"), "<p>error");
    writeFileSync(join(buckets, "secret"), "secret");
  });
  afterEach(() => rmSync(buckets, { recursive: true }));

  const object = (name: string, more: object = {}) => ({
    type: "object_storage",
    bucket: "files",
    object: name,
    ...more,
  });
  const PATHS = {
    "/static": to(object("index.html"), "get"),
    "/static/{file+}": to(object("static/{file}"), "get"),
    "/pages/{file+}": to(object("{file}", { error_object: "error.html" })),
  };

  test.each([
    ["/static", "text/html; charset=utf-8", "<p>index"],
    ["/static/css/site.css", "text/css; charset=utf-8", "p {}"],
    ["/static/my%20file.bin?v=1", "application/octet-stream", "bytes"],
  ])("%s is %s", async (path, type, body) => {
    const get = await open(PATHS, { buckets });
    const reply = await get(path);
    expect(reply).toMatchObject({ status: 200, body });
    expect(reply.headers["content-type"]).toBe(type);
    const again = await get(path, { headers: { "if-none-match": String(reply.headers.etag) } });
    expect(again).toMatchObject({ status: 304, body: "" });
  });

  test("have a table of the worker package to agree with", () => {
    expect(UPLOADED.length).toBeGreaterThan(10);
  });

  test.each(UPLOADED)(
    "a file *%s has the type with which a deploy uploads it",
    async (extension, type) => {
      writeFileSync(join(buckets, "files", "static", `a${extension}`), "");
      const get = await open(PATHS, { buckets });
      const { headers } = await get(`/static/a${extension}`);
      expect(headers["content-type"]).toBe(
        type.startsWith("text/") ? `${type}; charset=utf-8` : type,
      );
    },
  );

  test.each([
    "/static/../../secret",
    "/static/..%2f..%2fsecret",
    "/static/%2e%2e/%2e%2e/secret",
    "/static/..%2f..%2ffiles-of-others%2fx",
    "/static/css",
    "/static/none.css",
    "/static/a%00b",
  ])("%s is nothing", async (path) => {
    const get = await open(PATHS, { buckets });
    const { status, body } = await get(path);
    expect(status).toBe(404);
    expect(body).toContain("No object static/");
    expect(body).not.toContain("{file}");
  });

  test("are named by what was asked for, in the answer and in the one for errors", async () => {
    mkdirSync(join(buckets, "files", "errors"));
    writeFileSync(join(buckets, "files", "errors", "known.html"), "<p>known error");
    const instead = object("{file}", { error_object: "errors/{file}" });
    const get = await open({ "/pages/{file+}": to(instead) }, { buckets });
    expect(await get("/pages/known.html")).toMatchObject({ status: 404, body: "<p>known error" });
    const { status, body } = await get("/pages/none.html");
    expect(status).toBe(404);
    expect(JSON.parse(body).message).toMatch(/^No object none\.html in bucket files: /);
  });

  test("have another one for errors, and no other methods than GET and HEAD", async () => {
    const get = await open(PATHS, { buckets });
    expect(await get("/pages/none")).toMatchObject({ status: 404, body: "<p>error" });
    const head = await get("/pages/index.html", { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, body: "" });
    expect(head.headers["content-length"]).toBe("8");
    expect((await get("/pages/index.html", { method: "PUT" })).status).toBe(405);
    expect((await get("/static/css/site.css", { method: "POST" })).status).toBe(405);
  });
});

describe("CORS", () => {
  const ORIGIN = "http://localhost:3000";
  const preflight = {
    method: "OPTIONS",
    headers: { origin: ORIGIN, "access-control-request-method": "PUT" },
  };

  test("answers for every path, with what the rule says", async () => {
    const cors = {
      origin: true,
      methods: ["GET", "PUT"],
      allowedHeaders: ["x-a", "x-b"],
      exposedHeaders: "x-c",
      credentials: true,
      maxAge: 60,
    };
    const get = await open({ "/": to(WEB, "get") }, { settings: { cors } });
    const asked = await get("/", preflight);
    expect(asked.status).toBe(200);
    expect(asked.headers).toMatchObject({
      "access-control-allow-origin": ORIGIN,
      "access-control-allow-methods": "GET,PUT",
      "access-control-allow-headers": "x-a,x-b",
      "access-control-allow-credentials": "true",
      "access-control-max-age": "60",
    });
    const { headers } = await get("/", { headers: { origin: ORIGIN } });
    expect(headers).toMatchObject({
      "access-control-allow-origin": ORIGIN,
      "access-control-expose-headers": "x-c",
    });
    expect((await get("/other", preflight)).status).toBe(404);
  });

  test("has rules of paths, one of which is none", async () => {
    gateway = await openGateway({
      spec: {
        openapi: "3.0.3",
        "x-yc-apigateway": { cors: { origin: "*" } },
        paths: {
          "/own": {
            "x-yc-apigateway-cors": { $ref: "#/components/x-yc-apigateway-cors-rules/Own" },
            ...to(WEB),
          },
          "/none": { "x-yc-apigateway-cors": { origin: false }, ...to(WEB) },
        },
        components: {
          "x-yc-apigateway-cors-rules": {
            Own: { origin: ["http://a.example", "http://b.example"], optionsSuccessStatus: 204 },
          },
        },
      },
    });
    const own = await ask(gateway.port, "/own", preflight);
    expect(own.status).toBe(204);
    expect(own.headers["access-control-allow-origin"]).toBe("http://a.example,http://b.example");
    expect(own.headers["access-control-allow-methods"]).toBe("PUT");
    const none = await ask(gateway.port, "/none", preflight);
    expect(none.headers["x-container"]).toBe("shop-web");
    expect(none.headers["access-control-allow-origin"]).toBeUndefined();
  });
});
