import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TerraformStack, Token } from "cdktf";
import { afterAll, describe, expect, test } from "vitest";
import { ApiGateway, type ApiGatewayProps } from "../../constructs/api-gateway.ts";
import { GatewayDomain } from "../../constructs/domain.ts";
import { loadOpenApi, type OpenApiDocument } from "../../constructs/open-api.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { refusals } from "../support/synth.ts";

const scratch = mkdtempSync(join(tmpdir(), "gateway-checks-"));
afterAll(() => rmSync(scratch, { recursive: true }));

describe("checkApiGateway", () => {
  const openapi = { openapi: "3.0.3", info: { title: "Shop", version: "1" } };
  const dummy = { "x-yc-apigateway-integration": { type: "dummy", http_code: 204 } };

  test.each<[string, object, Partial<ApiGatewayProps>, string]>([
    [
      "a document that needs a container when none is given",
      { paths: { "/": { get: {} } } },
      {},
      "'container' is undefined, allowed: a container, because api.json has operations that name none. Pass the container that serves them.",
    ],
    [
      "CORS twice",
      { paths: { "/": { get: dummy } }, "x-yc-apigateway": { cors: { origin: "*" } } },
      { cors: { origins: true } },
      "'cors' is {\"origins\":true}, allowed: nothing, because api.json has x-yc-apigateway.cors. Keep one of the two.",
    ],
    [
      "a variable that the document does not declare",
      {
        paths: { "/": { get: dummy } },
        "x-yc-apigateway": { variables: { beta: { default: false }, limit: { default: 1 } } },
      },
      { variables: { gamma: 1 } },
      "'variables.gamma' is 1, allowed: beta, limit. Declare it in x-yc-apigateway.variables of api.json.",
    ],
    [
      "what is wrong in the document itself",
      { paths: { "/": { get: { ...dummy, responses: 5 } } } },
      {},
      "'api.json:1 #/paths/~1/get/responses' is 5, allowed: OpenAPI 3.0: must be object. Correct it.",
    ],
  ])("refuses %s", async (_, content, props, message) => {
    const document = { ...(await load({ ...openapi, ...content })), file: "api.json" };

    const messages = refusals((scope) => {
      define(scope, { document, ...props });
    });

    expect(messages.map((text) => text.replaceAll(`${scratch}/`, ""))).toEqual([
      `[app/Gateway] ${message}`,
    ]);
  });

  test("refuses a route that the document has, under whatever name of its parameter", async () => {
    const document = await load({
      ...openapi,
      paths: { "/static/{rest+}": { get: { ...dummy, parameters: [parameter("rest")] } } },
    });

    const messages = refusals((scope) => {
      define(scope, { document }).addStaticFiles("/static", { bucket: "shop-static" });
    });

    expect(messages).toEqual([
      "[app/Gateway] 'path' is \"/static\", allowed: each path once. Remove one of the two routes.",
    ]);
  });

  const NAME_RULE =
    "allowed: 3 to 63 lower-case letters, digits and hyphens, a letter first, no hyphen last. Rename the gateway.";
  const TIMEOUT_RULE =
    "allowed: 1 to 600 whole seconds. Choose at most 10 minutes; what takes longer belongs into a task.";
  const WEIGHT_RULE =
    "allowed: 0 to 99 whole percent. Choose a share below 100, or change the variables themselves.";
  const AGE_RULE =
    "allowed: 0 to 86400 whole seconds. Choose at most a day: no browser keeps the answer longer.";
  const ORIGIN_RULE =
    "allowed: scheme, host and perhaps port, without a path. Write it like https://shop.example.com.";
  const HEADER_RULE =
    "allowed: the name of a header, or *. Write one name an entry, without a colon.";
  const canary = { weight: 10, variables: { beta: true } };

  test.each<[string, Partial<ApiGatewayProps>, string]>([
    ["a name with capitals", { name: "Shop" }, `'name' is "Shop", ${NAME_RULE}`],
    ["a name of two characters", { name: "ab" }, `'name' is "ab", ${NAME_RULE}`],
    ["a timeout of 0", { timeoutSeconds: 0 }, `'timeoutSeconds' is 0, ${TIMEOUT_RULE}`],
    ["a timeout of 601", { timeoutSeconds: 601 }, `'timeoutSeconds' is 601, ${TIMEOUT_RULE}`],
    [
      "a canary below 0",
      { variables: { beta: false }, canary: { ...canary, weight: -1 } },
      `'canary.weight' is -1, ${WEIGHT_RULE}`,
    ],
    [
      "a canary of everything",
      { variables: { beta: false }, canary: { ...canary, weight: 100 } },
      `'canary.weight' is 100, ${WEIGHT_RULE}`,
    ],
    [
      "a canary without variables",
      { canary: { weight: 10, variables: {} } },
      "'canary.variables' is {}, allowed: at least one: without any there is no canary. Give the variables that the canary changes, or remove it.",
    ],
    [
      "a canary variable that the gateway does not have",
      { canary },
      "'canary.variables.beta' is true, allowed: no variable, because none is declared. Give the gateway's variables the same name.",
    ],
    [
      "a variable's name with a space",
      { variables: { "a b": 1 } },
      "'variables.a b' is 1, allowed: names of letters, digits, _ and -, a letter or _ first. Rename the variable.",
    ],
    [
      "a variable that is a list",
      { variables: { hosts: ["a"] as unknown as string } },
      "'variables.hosts' is [\"a\"], allowed: text, a number, true or false. Split it into several variables.",
    ],
    [
      "* together with credentials",
      { cors: { origins: "*", credentials: true } },
      "'cors.origins' is \"*\", allowed: no * together with credentials: browsers refuse it. Name the origins, or write true.",
    ],
    [
      "no origin",
      { cors: { origins: [] } },
      "'cors.origins' is [], allowed: at least one origin. Name one, or leave cors out.",
    ],
    [
      "an origin with a path",
      { cors: { origins: ["https://shop.example.com/"] } },
      `'cors.origins' is "https://shop.example.com/", ${ORIGIN_RULE}`,
    ],
    [
      "an origin without a scheme",
      { cors: { origins: ["shop.example.com"] } },
      `'cors.origins' is "shop.example.com", ${ORIGIN_RULE}`,
    ],
    [
      "a method in small letters",
      { cors: { origins: true, methods: ["get"] } },
      "'cors.methods' is \"get\", allowed: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE. Write one method an entry, in capitals.",
    ],
    [
      "several request headers in one",
      { cors: { origins: true, allowedHeaders: ["a, b"] } },
      `'cors headers' is "a, b", ${HEADER_RULE}`,
    ],
    [
      "a response header with a colon",
      { cors: { origins: true, exposedHeaders: ["X-Total:"] } },
      `'cors headers' is "X-Total:", ${HEADER_RULE}`,
    ],
    [
      "an age below 0",
      { cors: { origins: true, maxAgeSeconds: -1 } },
      `'cors.maxAgeSeconds' is -1, ${AGE_RULE}`,
    ],
    [
      "an age above a day",
      { cors: { origins: true, maxAgeSeconds: 86_401 } },
      `'cors.maxAgeSeconds' is 86401, ${AGE_RULE}`,
    ],
  ])("refuses %s", (_, props, message) => {
    expect(gatewayRefusals(props, (gateway) => gateway.addNotFound("/"))).toEqual([message]);
  });

  test.each<[string, string]>([
    ["1.0", "1"],
    ["007", "7"],
    ["+5", "5"],
    ["-0", "0"],
    ["1e3", "1000"],
    [".5", "0.5"],
    ["T", "true"],
    ["False", "false"],
    ["nan", "NaN"],
    ["inf", "+Inf"],
    ["-infinity", "-Inf"],
    ["9223372036854775808", "9223372036854776000"],
  ])("refuses a variable %s, which the provider prints as %s", (value, printed) => {
    const messages = gatewayRefusals({ variables: { a: value } }, (gateway) =>
      gateway.addNotFound("/"),
    );

    expect(messages).toEqual([
      `'variables.a' is "${value}", allowed: text as the provider prints it after it took it for a number or for true or false. Write "${printed}", or a text that cannot be taken for either.`,
    ]);
  });

  test.each(["1", "-7", "0.5", "true", "9223372036854775807", "prod", "1.2.3", "", "tf"])(
    "accepts a variable %j",
    (value) => {
      const messages = gatewayRefusals({ variables: { a: value } }, (gateway) =>
        gateway.addNotFound("/"),
      );

      expect(messages).toEqual([]);
    },
  );

  const PATH_RULE =
    "allowed: / or /segment/segment, of letters, digits and . _ ~ -. Write the path without parameters: everything below it is included.";
  const BUCKET_RULE =
    "allowed: 3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends. Give the bucket's name, not its address.";

  test.each<[string, (gateway: ApiGateway) => void, string]>([
    [
      "no routes",
      () => {},
      "'routes' is [], allowed: at least one. Call addContainer(\"/\", container).",
    ],
    [
      "the same path twice",
      (gateway) => {
        gateway.addNotFound("/api");
        gateway.addStaticFiles("/api/", { bucket: "shop-static" });
      },
      "'path' is \"/api\", allowed: each path once. Remove one of the two routes.",
    ],
    [
      "a path without a slash",
      (gateway) => gateway.addNotFound("api"),
      `'path' is "api", ${PATH_RULE}`,
    ],
    ["an empty path", (gateway) => gateway.addNotFound(""), `'path' is "", ${PATH_RULE}`],
    [
      "an empty segment",
      (gateway) => gateway.addNotFound("/a//b"),
      `'path' is "/a//b", ${PATH_RULE}`,
    ],
    [
      "a space in a path",
      (gateway) => gateway.addNotFound("/a b"),
      `'path' is "/a b", ${PATH_RULE}`,
    ],
    [
      "a parameter in the middle of a path",
      (gateway) => gateway.addNotFound("/a/{x+}/b"),
      `'path' is "/a/{x+}/b", ${PATH_RULE}`,
    ],
    [
      "a bucket's address",
      (gateway) => gateway.addStaticFiles("/static", { bucket: "s3://shop-static" }),
      `'bucket' is "s3://shop-static", ${BUCKET_RULE}`,
    ],
    [
      "a bucket's name of two characters",
      (gateway) => gateway.addStaticFiles("/static", { bucket: "ab" }),
      `'bucket' is "ab", ${BUCKET_RULE}`,
    ],
  ])("refuses %s", (_, build, message) => {
    expect(gatewayRefusals({}, build)).toEqual([message]);
  });

  test("refuses a specification over 3.5 MB", () => {
    const ofLength = (length: number) =>
      gatewayRefusals({}, (gateway) =>
        gateway.addStaticFiles("/a", { bucket: "abc", prefix: "я".repeat(length / 2) }),
      );

    expect(ofLength(3_499_000)).toEqual([]);
    expect(ofLength(3_500_000)).toEqual([
      expect.stringMatching(
        /^'document' is "35003\d\d bytes", allowed: a specification of at most 3500000 bytes\. Shorten descriptions and examples\.$/,
      ),
    ]);
  });

  test("refuses a 21st domain", () => {
    const attach = (count: number) =>
      refusals((scope) => {
        const gateway = define(scope);
        gateway.addNotFound("/");
        for (let number = 1; number <= count; number += 1) {
          new GatewayDomain(scope, `Domain${number}`, {
            gateway,
            fqdn: `shop${number}.example.com`,
            certificateName: "shop",
            dns: "external",
          });
        }
      });

    expect(attach(20)).toEqual([]);
    expect(attach(21)).toEqual([
      "[app/Gateway] 'domains' is 21, allowed: at most 20 to a gateway. Move some of them to a second gateway.",
    ]);
  });

  test("accepts the ends of every range", () => {
    const build = (gateway: ApiGateway) => gateway.addNotFound("/a-b_c.d~e");

    expect(gatewayRefusals({ name: "abc", timeoutSeconds: 1 }, build)).toEqual([]);
    expect(gatewayRefusals({ name: "a".repeat(63), timeoutSeconds: 600 }, build)).toEqual([]);
    expect(
      gatewayRefusals({ cors: { origins: ["http://localhost:3000"], maxAgeSeconds: 0 } }, build),
    ).toEqual([]);
    expect(
      gatewayRefusals(
        { cors: { origins: "*", maxAgeSeconds: 86_400, allowedHeaders: ["*"] } },
        build,
      ),
    ).toEqual([]);
    expect(
      gatewayRefusals(
        { variables: { beta: 1 }, canary: { weight: 99, variables: { beta: 2 } } },
        build,
      ),
    ).toEqual([]);
  });

  test("accepts what only the apply will know", () => {
    const unknown = Token.asString({ resolve: () => "Unknown Value" });

    const messages = gatewayRefusals({ name: unknown, variables: { a: unknown } }, (gateway) =>
      gateway.addStaticFiles("/static", { bucket: unknown }),
    );

    expect(messages).toEqual([]);
  });
});

function define(scope: TerraformStack, props: Partial<ApiGatewayProps> = {}): ApiGateway {
  const account = new ServiceAccount(scope, "Account", { name: "shop-gateway" });
  return new ApiGateway(scope, "Gateway", { name: "shop", account, ...props });
}

function gatewayRefusals(props: Partial<ApiGatewayProps>, build: (gateway: ApiGateway) => void) {
  const messages = refusals((scope) => build(define(scope, props)));
  return messages.map((message) => message.replace("[app/Gateway] ", ""));
}

function load(content: object): Promise<OpenApiDocument> {
  const file = join(scratch, "api.json");
  writeFileSync(file, JSON.stringify(content));
  return loadOpenApi(file);
}

function parameter(name: string) {
  return { name, in: "path", required: true, schema: { type: "string" } };
}
