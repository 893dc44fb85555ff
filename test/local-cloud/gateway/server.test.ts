import { once } from "node:events";
import { request } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { Invoke } from "../../../packages/local-cloud/containers/invoke.ts";
import { ask, type Options, openGateway, to, WEB } from "./_gateway.ts";

const MAX = 2_621_440;

let gateway: Awaited<ReturnType<typeof openGateway>>;
afterEach(() => gateway?.close());

async function open(paths: object, more: Partial<Options> & { settings?: object } = {}) {
  const { settings = {}, ...options } = more;
  const spec = { openapi: "3.0.3", "x-yc-apigateway": settings, paths };
  gateway = await openGateway({ spec, ...options });
  return (...[path, asked]: [string, Parameters<typeof ask>[2]?]) => ask(gateway.port, path, asked);
}

describe("a container", () => {
  test("gets the request as it came: host, path, query, headers, body", async () => {
    const get = await open({ "/{proxy+}": to(WEB) });
    const { headers, body } = await get("/%77orker/?a=1&b=%20", {
      method: "POST",
      headers: { host: "localhost:8000", "x-many": ["1", "2"], cookie: "a=b" },
      body: "text",
    });
    expect(headers["x-container"]).toBe("shop-web");
    const seen = JSON.parse(body);
    expect(seen).toMatchObject({ method: "POST", path: "/%77orker/?a=1&b=%20", body: "text" });
    expect(seen.headers).toEqual(
      expect.arrayContaining([
        ["host", "localhost:8000"],
        ["x-many", "1"],
        ["x-many", "2"],
        ["cookie", "a=b"],
      ]),
    );
  });

  test("knows the gateway by headers that no client can forge", async () => {
    const context = { who: "{id}", list: [1, "{missing}"] };
    const parameters = [{ name: "id", in: "path", required: true }];
    const get = await open({ "/users/{id}": to({ ...WEB, context }, "get", { parameters }) });
    const { body } = await get('/users/a"b', {
      headers: {
        "X-Forwarded-For": "10.0.0.1",
        "X-Request-Id": "forged",
        "X-Serverless-Gateway-Id": "forged",
        "X-Yc-ApiGateway-Operation-Context": "forged",
      },
    });
    const headers: [string, string][] = JSON.parse(body).headers;
    const own = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
    expect(headers.map(([name]) => name.toLowerCase())).toHaveLength(Object.keys(own).length);
    expect(own).toMatchObject({
      "x-forwarded-for": "10.0.0.1, 127.0.0.1",
      "x-forwarded-proto": "http",
      "x-request-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "x-serverless-gateway-id": expect.stringMatching(/^d5d[a-z0-9]{17}$/),
      "x-serverless-certificate-ids": "{}",
    });
    const encoded = own["x-yc-apigateway-operation-context"] ?? "";
    expect(JSON.parse(String(Buffer.from(encoded, "base64")))).toEqual({
      who: 'a"b',
      list: [1, "{missing}"],
    });
  });

  test("has every header of its answer passed on, repeated ones too", async () => {
    const invoke: Invoke = async () => ({
      status: 201,
      headers: [
        ["content-type", "text/event-stream"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
      body: Buffer.from("first"),
    });
    const get = await open({ "/": to(WEB) }, { invoke });
    const { status, headers, body } = await get("/");
    expect([status, body]).toEqual([201, "first"]);
    expect(headers["content-type"]).toBe("text/event-stream");
    expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  });

  test("answers 502 where it cannot be called, or answers nonsense", async () => {
    const invoke: Invoke = async (_, { path }) => {
      if (path === "/") throw new Error("gone");
      return { status: 5, headers: [], body: Buffer.alloc(0) };
    };
    const get = await open({ "/{proxy+}": to(WEB), "/": to(WEB) }, { invoke });
    expect(await get("/")).toMatchObject({ status: 502, body: '{"message":"gone"}' });
    expect(await get("/nonsense")).toMatchObject({ status: 502 });
  });
});

describe("limits", () => {
  const refusals = () => gateway.reported.filter(({ type }) => type === "refused");

  test.each([
    ["says its size", { "content-length": String(MAX + 1) }],
    ["does not say its size", { "transfer-encoding": "chunked" }],
  ])("a request of more than 2.5 MB that %s is refused", async (_, headers) => {
    const invoke: Invoke = async (_, { body }) => {
      return { status: 200, headers: [], body: Buffer.from(String(body.length)) };
    };
    const get = await open({ "/": to(WEB) }, { invoke });
    const whole = await get("/", { method: "POST", body: Buffer.alloc(MAX) });
    expect(whole.body).toBe(String(MAX));
    const body = Buffer.alloc(MAX + 1);
    expect(await get("/", { method: "POST", headers, body })).toMatchObject({ status: 413 });
    expect(refusals()).toMatchObject([
      { code: "413", by: "shop-gateway", message: "POST /: The request is larger than 2.5 MB" },
    ]);
  });

  test("a response of more than 2.5 MB is refused", async () => {
    const body = Buffer.alloc(MAX + 1);
    const invoke: Invoke = async () => ({ status: 200, headers: [], body });
    const get = await open({ "/": to(WEB) }, { invoke });
    expect(await get("/")).toMatchObject({ status: 502 });
    expect(refusals()).toMatchObject([{ code: "502", message: expect.stringContaining("2.5 MB") }]);
  });

  test("a container that takes too long is given up", async () => {
    const invoke: Invoke = () => new Promise(() => {});
    const get = await open({ "/": to(WEB) }, { invoke, timeoutSeconds: 0.05 });
    expect(await get("/")).toMatchObject({
      status: 504,
      body: '{"message":"No answer within 0.05 seconds"}',
    });
    expect(refusals()).toMatchObject([{ code: "504", fix: expect.stringContaining("task") }]);
  });

  test("a request that comes too slowly is given up", async () => {
    await open({ "/": to(WEB) }, { timeoutSeconds: 0.05 });
    const outgoing = request({ port: gateway.port, host: "127.0.0.1", method: "POST", path: "/" });
    outgoing.write("half");
    const [incoming] = await once(outgoing, "response");
    expect(incoming.statusCode).toBe(504);
    outgoing.destroy();
  });
});

describe("answers of the gateway's own", () => {
  test("are 404, 405 and 403, and every request is reported", async () => {
    const get = await open({ "/only": to(WEB, "get") });
    expect((await get("/other")).status).toBe(404);
    expect((await get("/only", { method: "POST" })).status).toBe(405);
    expect((await get("/only", { headers: { host: "evil.example" } })).status).toBe(403);
    expect((await get("/only?x=1")).status).toBe(200);
    expect(gateway.reported).toMatchObject([
      { type: "request", gateway: "shop-gateway", method: "GET", path: "/other", status: 404 },
      { method: "POST", path: "/only", status: 405 },
      { path: "/only", status: 403 },
      { path: "/only?x=1", status: 200 },
    ]);
  });

  test("are 501 for what is not emulated, which is reported once at start", async () => {
    const http = { type: "http", url: "https://example.com" };
    const get = await open(
      { "/a": to(http), "/b": to(http), "/c": to({ type: "cloud_functions" }), "/d": to(WEB) },
      { settings: { rateLimit: {} } },
    );
    expect(gateway.reported).toEqual(
      [
        "Integrations of type http are not emulated.",
        "Integrations of type cloud_functions are not emulated.",
        "rateLimit is not emulated: requests are served without it.",
      ].map((message) => ({
        type: "refused",
        by: "shop-gateway",
        code: "NotImplemented",
        message,
      })),
    );
    expect(await get("/a")).toMatchObject({
      status: 501,
      body: '{"message":"Integrations of type http are not emulated."}',
    });
    expect((await get("/d")).status).toBe(200);
  });

  test("are 501 where an authorizer would have to decide", async () => {
    gateway = await openGateway({
      spec: {
        openapi: "3.0.3",
        paths: { "/": to(WEB, "get", { security: [{ basic: [] }] }), "/open": to(WEB) },
        components: {
          securitySchemes: { basic: { "x-yc-apigateway-authorizer": { type: "function" } } },
        },
      },
    });
    expect((await ask(gateway.port, "/")).status).toBe(501);
    expect((await ask(gateway.port, "/open")).status).toBe(200);
  });
});

describe("what is not emulated in an OpenAPI document", () => {
  const EXTRAS = [
    "rateLimit",
    "validator",
    "smartWebSecurity",
    "x-yc-apigateway-rate-limit",
    "x-yc-apigateway-websocket-connect",
    "x-yc-apigateway-websocket-message",
    "x-yc-apigateway-validator",
    "x-yc-apigateway-novelty",
    "x-yc-status-mapping",
    "x-yc-schema-mapping",
    "x-yc-apigateway-validators",
    "x-yc-apigateway-rate-limits",
  ];
  const validator = { $ref: "#/components/x-yc-apigateway-validators/V" };
  const spec = {
    openapi: "3.0.3",
    "x-yc-apigateway": {
      ...{ rateLimit: { allRequests: { rps: 1 } }, validator: {}, service_account_id: "aje" },
      ...{ smartWebSecurity: { securityProfileId: "fev" }, cors: { origin: "*" }, variables: {} },
    },
    paths: {
      "/": {
        "x-yc-apigateway-rate-limit": { $ref: "#/components/x-yc-apigateway-rate-limits/R" },
        "x-yc-apigateway-cors": { origin: true },
        "x-yc-apigateway-websocket-connect": { "x-yc-apigateway-integration": WEB },
        "x-yc-apigateway-websocket-message": { "x-yc-apigateway-integration": WEB },
        ...to(WEB, "get", {
          "x-yc-apigateway-validator": validator,
          "x-yc-apigateway-novelty": true,
          responses: { 200: { "x-yc-status-mapping": 201 } },
          requestBody: { content: { "*": { schema: { "x-yc-schema-mapping": {} } } } },
          description: "x-yc-apigateway-only-mentioned",
        }),
      },
    },
    components: {
      "x-yc-apigateway-validators": { V: { validateRequestBody: true } },
      "x-yc-apigateway-rate-limits": { R: {} },
    },
  };

  test.each([
    ["JSON", JSON.stringify(spec)],
    ["YAML", stringify(spec)],
  ])("is said at start, each once, of a text in %s", async (_, text) => {
    gateway = await openGateway({ spec: text });
    expect(gateway.reported.map((one) => "message" in one && one.message).sort()).toEqual(
      EXTRAS.map((what) => `${what} is not emulated: requests are served without it.`).sort(),
    );
  });
});

describe("specifications", () => {
  test("may be YAML, with variables and references", async () => {
    gateway = await openGateway({
      spec: `
openapi: 3.0.0
x-yc-apigateway:
  variables:
    environment: { default: prod }
    handler: { default: "#/components/x-yc-apigateway-integrations/Info" }
    code: { default: 203 }
paths:
  /env/{name}:
    parameters:
      - $ref: "#/components/parameters/Name"
    get:
      x-yc-apigateway-integration: { $ref: "\${var.handler}" }
components:
  parameters:
    Name: { name: name, in: path, required: true }
  x-yc-apigateway-integrations:
    Info:
      type: dummy
      http_code: \${apigw.code}
      content: { "*": "{name} is in \${var.environment}, not \${var.unknown}" }
`,
    });
    expect(await ask(gateway.port, "/env/shop")).toMatchObject({
      status: 203,
      body: "shop is in prod, not ${var.unknown}",
    });
  });
});
