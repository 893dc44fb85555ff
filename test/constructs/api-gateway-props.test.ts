import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TerraformStack, Token } from "cdktf";
import { afterAll, describe, expect, test } from "vitest";
import { ApiGateway } from "../../constructs/api-gateway.ts";
import type { ApiGatewayProps } from "../../constructs/api-gateway-props.ts";
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
      "what is wrong in the document itself",
      { paths: { "/": { get: { ...dummy, responses: 5 } } } },
      {},
      "'api.json:1 #/paths/~1/get/responses' is 5, allowed: OpenAPI 3.0: must be object. Correct it.",
    ],
  ])("rejects %s", async (_, content, props, message) => {
    const document = { ...(await load({ ...openapi, ...content })), file: "api.json" };

    const messages = refusals((scope) => {
      define(scope, { document, ...props });
    });

    expect(messages.map((text) => text.replaceAll(`${scratch}/`, ""))).toEqual([
      `[app/Gateway] ${message}`,
    ]);
  });

  test("rejects a route that the document has, under whatever name of its parameter", async () => {
    const document = await load({
      ...openapi,
      paths: { "/static/{rest+}": { get: { ...dummy, parameters: [parameter("rest")] } } },
    });

    const messages = refusals((scope) => {
      define(scope, { document }).addStaticFiles("/static", "shop-static");
    });

    expect(messages).toEqual([
      "[app/Gateway] 'path' is \"/static\", allowed: each path once. Remove one of the two routes.",
    ]);
  });

  const NAME_RULE =
    "allowed: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last. Rename the gateway.";

  test.each<[string, Partial<ApiGatewayProps>, string]>([
    ["a name with capitals", { name: "Shop" }, `'name' is "Shop", ${NAME_RULE}`],
    ["a name of two characters", { name: "ab" }, `'name' is "ab", ${NAME_RULE}`],
  ])("rejects %s", (_, props, message) => {
    expect(gatewayRefusals(props, (gateway) => gateway.addNotFound("/"))).toEqual([message]);
  });

  const PATH_RULE =
    "allowed: / or /segment/segment, of letters, digits and . _ ~ -. Write the path without parameters: everything below it is included.";
  const BUCKET_RULE =
    "allowed: 3 to 63 lowercase letters, digits, dots and hyphens, a letter or digit at both ends. Give the bucket's name, not its address.";

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
        gateway.addStaticFiles("/api/", "shop-static");
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
      (gateway) => gateway.addStaticFiles("/static", "s3://shop-static"),
      `'bucket' is "s3://shop-static", ${BUCKET_RULE}`,
    ],
    [
      "a bucket's name of two characters",
      (gateway) => gateway.addStaticFiles("/static", "ab"),
      `'bucket' is "ab", ${BUCKET_RULE}`,
    ],
  ])("rejects %s", (_, build, message) => {
    expect(gatewayRefusals({}, build)).toEqual([message]);
  });

  test("rejects a specification over 3.5 MB", () => {
    const ofLength = (length: number) =>
      gatewayRefusals({ document: described("я".repeat(length / 2)) }, () => {});

    expect(ofLength(3_499_000)).toEqual([]);
    expect(ofLength(3_500_000)).toEqual([
      expect.stringMatching(
        /^'document' is "35001\d\d bytes", allowed: a specification of at most 3500000 bytes\. Shorten descriptions and examples\.$/,
      ),
    ]);
  });

  test("rejects a 21st domain", () => {
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

    expect(gatewayRefusals({ name: "abc" }, build)).toEqual([]);
    expect(gatewayRefusals({ name: "a".repeat(63) }, build)).toEqual([]);
  });

  test("accepts what only the apply will know", () => {
    const unknown = Token.asString({ resolve: () => "Unknown Value" });

    const messages = gatewayRefusals({ name: unknown }, (gateway) =>
      gateway.addStaticFiles("/static", unknown),
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

/** A document that is as long as its description. */
function described(description: string): OpenApiDocument {
  const info = { title: "Shop", version: "1", description };
  const paths = { "/": { get: { "x-yc-apigateway-integration": { type: "dummy" } } } };
  return { file: "api.json", content: { openapi: "3.0.3", info, paths }, refusals: [] };
}

function parameter(name: string) {
  return { name, in: "path", required: true, schema: { type: "string" } };
}
