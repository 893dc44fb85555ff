import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TerraformStack } from "cdktf";
import { afterAll, describe, expect, test } from "vitest";
import { ApiGateway } from "../../constructs/api-gateway.ts";
import type { ApiGatewayProps } from "../../constructs/api-gateway-props.ts";
import { LogGroup } from "../../constructs/log-group.ts";
import { loadOpenApi, type OpenApiDocument } from "../../constructs/open-api.ts";
import { ServerlessContainer } from "../../constructs/serverless-container.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import {
  type Body,
  grants,
  raw,
  resources,
  type SynthesizedStack,
  synthPlain,
} from "../support/synth.ts";

const WEB = "${yandex_serverless_container.Web.id}";
const ACCOUNT = "${yandex_iam_service_account.Account.id}";
const GATEWAY = `serviceAccount:${ACCOUNT}`;
const TO_WEB = {
  type: "serverless_containers",
  container_id: WEB,
  service_account_id: ACCOUNT,
};
const NOT_FOUND = {
  type: "dummy",
  http_code: 404,
  http_headers: { "Content-Type": "text/plain" },
  content: { "*": "Not Found" },
};
const scratch = mkdtempSync(join(tmpdir(), "gateway-"));
afterAll(() => rmSync(scratch, { recursive: true }));

describe("ApiGateway", () => {
  test("creates a gateway that hands everything to a container", () => {
    const stack = synthPlain((scope) => {
      define(scope).addContainer("/", web(scope));
    });

    const [gateway] = resources(stack, "yandex_api_gateway");
    expect({ ...gateway, spec: undefined }).toEqual({
      name: "shop",
      depends_on: ["yandex_serverless_container_iam_binding.Web_Invokers"],
    });
    expect(spec(stack)).toEqual({
      openapi: "3.0.3",
      info: { title: "shop", version: "1.0.0" },
      "x-yc-apigateway": { ignoreTrailingSlashes: true },
      paths: {
        "/": any(TO_WEB),
        "/{proxy+}": greedy("proxy", TO_WEB),
      },
    });
  });

  test("writes its log where it is told", () => {
    const stack = synthPlain((scope) => {
      const gateway = define(scope, {
        logGroup: LogGroup.fromId(scope, "Logs", { logGroupId: "e23logs", name: "logs" }),
      });
      gateway.addContainer("/", web(scope));
    });

    const [gateway] = resources(stack, "yandex_api_gateway");
    expect(gateway).toMatchObject({
      log_options: { log_group_id: "e23logs" },
    });
  });

  test("hands a deeper path and everything below it to a container of its own", () => {
    const stack = synthPlain((scope) => {
      const gateway = define(scope);
      gateway.addContainer("/", web(scope));
      gateway.addContainer("/api", web(scope, "Api"));
    });

    const toApi = { ...TO_WEB, container_id: "${yandex_serverless_container.Api.id}" };
    expect(spec(stack).paths).toEqual({
      "/": any(TO_WEB),
      "/{proxy+}": greedy("proxy", TO_WEB),
      "/api": any(toApi),
      "/api/{proxy+}": greedy("proxy", toApi),
    });
  });

  test("answers 404 at a path and below it, however its end is written", () => {
    const stack = synthPlain((scope) => {
      define(scope).addNotFound("/worker/");
    });

    expect(spec(stack).paths).toEqual({
      "/worker": any(NOT_FOUND),
      "/worker/{proxy+}": greedy("proxy", NOT_FOUND),
    });
  });

  test("serves files of a bucket below a path", () => {
    const stack = synthPlain((scope) => {
      define(scope).addStaticFiles("/static", "shop-static");
    });

    const integration = {
      type: "object_storage",
      bucket: "shop-static",
      object: "{file}",
      service_account_id: ACCOUNT,
    };
    expect(spec(stack).paths).toEqual({ "/static/{file+}": greedy("file", integration, "get") });
  });

  test("keeps the gateway's own templates from Terraform", async () => {
    const document = await load({
      openapi: "3.0.3",
      info: { title: "Shop", version: "1" },
      paths: {
        "/": any({ type: "object_storage", bucket: "shop", object: "${var.release}/%{a}" }),
      },
    });
    const stack = synthPlain((scope) => {
      define(scope, { document });
    });

    expect(text(stack)).toContain('"object":"$${var.release}/%%{a}"');
  });

  test("gives the same text for the same gateway", () => {
    const build = (scope: TerraformStack) => {
      const gateway = define(scope);
      gateway.addContainer("/", web(scope));
      gateway.addNotFound("/worker");
    };

    expect(text(synthPlain(build))).toBe(text(synthPlain(build)));
  });

  test("builds what a validator of OpenAPI 3.0 accepts", async () => {
    const stack = synthPlain((scope) => {
      const gateway = define(scope);
      gateway.addContainer("/", web(scope));
      gateway.addNotFound("/worker");
      gateway.addStaticFiles("/static", "shop-static");
    });

    const document = await load(text(stack));
    expect(document.refusals).toEqual([]);
    expect(document.content).toEqual(spec(stack));
  });

  describe("with the user's own document", () => {
    const openapi = { openapi: "3.0.3", info: { title: "Shop", version: "1" } };
    const dummy = { "x-yc-apigateway-integration": { type: "dummy", http_code: 204 } };

    test("fills in container and account where they are left out", async () => {
      const document = await load({
        ...openapi,
        paths: {
          "/plain": { get: { responses: {} } },
          "/typed": any({ type: "serverless_containers", context: { a: 1 } }),
          "/other": any({
            ...TO_WEB,
            container_id: "b".repeat(20),
            service_account_id: "a".repeat(20),
          }),
          "/shared": any({ $ref: "#/components/x-yc-apigateway-integrations/Web" }),
          "/none": { get: dummy },
        },
        components: { "x-yc-apigateway-integrations": { Web: { type: "serverless_containers" } } },
      });
      const stack = synthPlain((scope) => {
        define(scope, { document, container: web(scope) });
      });

      expect(spec(stack)).toEqual({
        ...openapi,
        "x-yc-apigateway": {},
        paths: {
          "/plain": { get: { responses: {}, "x-yc-apigateway-integration": TO_WEB } },
          "/typed": any({ ...TO_WEB, context: { a: 1 } }),
          "/other": any({
            ...TO_WEB,
            container_id: "b".repeat(20),
            service_account_id: "a".repeat(20),
          }),
          "/shared": any({ $ref: "#/components/x-yc-apigateway-integrations/Web" }),
          "/none": { get: dummy },
        },
        components: { "x-yc-apigateway-integrations": { Web: TO_WEB } },
      });
      expect(callers(stack)).toEqual([["${yandex_serverless_container.Web.id}", [GATEWAY]]]);
    });

    test("keeps the account that the document names for all", async () => {
      const extension = { service_account_id: "c".repeat(20) };
      const document = await load({
        ...openapi,
        "x-yc-apigateway": extension,
        paths: { "/": any({ type: "serverless_containers" }) },
      });
      const stack = synthPlain((scope) => {
        define(scope, { document, container: web(scope) });
      });

      expect(spec(stack)).toMatchObject({
        "x-yc-apigateway": extension,
        paths: { "/": any({ type: "serverless_containers", container_id: WEB }) },
      });
      expect(spec(stack).paths).not.toHaveProperty([
        "/",
        "x-yc-apigateway-any-method",
        "x-yc-apigateway-integration",
        "service_account_id",
      ]);
    });

    test("grants nothing when the document needs no container", async () => {
      const document = await load({ ...openapi, paths: { "/": { get: dummy } } });
      const stack = synthPlain((scope) => {
        define(scope, { document, container: web(scope) });
      });

      expect(callers(stack)).toEqual([]);
      expect(grants(stack)).toEqual([]);
    });

    test("adds routes to the document", async () => {
      const document = await load({
        ...openapi,
        "x-yc-apigateway": { rateLimit: { allRequests: { rps: 10 } } },
        paths: { "/": { get: dummy } },
      });
      const stack = synthPlain((scope) => {
        define(scope, { document }).addNotFound("/worker");
      });

      expect(spec(stack)).toEqual({
        ...openapi,
        "x-yc-apigateway": { rateLimit: { allRequests: { rps: 10 } } },
        paths: {
          "/": { get: dummy },
          "/worker": any(NOT_FOUND),
          "/worker/{proxy+}": greedy("proxy", NOT_FOUND),
        },
      });
    });

    test("adds the path with a slash where the document tells them apart", async () => {
      const document = await load({
        ...openapi,
        "x-yc-apigateway": { ignoreTrailingSlashes: false },
        paths: { "/": { get: dummy } },
      });
      const stack = synthPlain((scope) => {
        define(scope, { document }).addNotFound("/worker");
      });

      expect(Object.keys(spec(stack).paths as object)).toEqual([
        "/",
        "/worker",
        "/worker/",
        "/worker/{proxy+}",
      ]);
    });
  });

  test("grants itself the right to invoke what it routes to and to read buckets, once each", () => {
    const stack = synthPlain((scope) => {
      const gateway = define(scope);
      gateway.addContainer("/", web(scope));
      const api = web(scope, "Api");
      gateway.addContainer("/api", api);
      gateway.addContainer("/v2", api);
      web(scope, "Worker");
      gateway.addStaticFiles("/static", "shop-static");
      gateway.addStaticFiles("/media", "shop-media");
    });

    expect(callers(stack)).toEqual([
      ["${yandex_serverless_container.Api.id}", [GATEWAY]],
      ["${yandex_serverless_container.Web.id}", [GATEWAY]],
    ]);
    expect(grants(stack).map(({ role, member }) => [role, member])).toEqual([
      ["storage.viewer", GATEWAY],
    ]);
    expect(resources(stack, "yandex_api_gateway")[0]?.depends_on).toEqual([
      "yandex_serverless_container_iam_binding.Web_Invokers",
      "yandex_serverless_container_iam_binding.Api_Invokers",
      "terraform_data.Rights",
    ]);
  });

  test("is reachable as defaultChild", () => {
    const stack = synthPlain((scope) => {
      const gateway = define(scope);
      gateway.addContainer("/", web(scope));
      raw(gateway).addOverride("labels", { team: "shop" });
    });

    expect(resources(stack, "yandex_api_gateway")[0]).toMatchObject({ labels: { team: "shop" } });
  });
});

function define(scope: TerraformStack, props: Partial<ApiGatewayProps> = {}): ApiGateway {
  const account = new ServiceAccount(scope, "Account", { name: "shop-gateway" });
  return new ApiGateway(scope, "Gateway", { name: "shop", account, ...props });
}

function web(scope: TerraformStack, id = "Web"): ServerlessContainer {
  return new ServerlessContainer(scope, id, {
    name: `shop-${id.toLowerCase()}`,
    image: `cr.yandex/crp1/shop@sha256:${"a".repeat(64)}`,
    account: ServiceAccount.fromId(scope, `${id}Account`, { accountId: "aje1", folderId: "b1g1" }),
  });
}

/** The containers that somebody may invoke, and who. */
function callers(stack: SynthesizedStack): unknown[] {
  return resources(stack, "yandex_serverless_container_iam_binding").map(
    ({ container_id, members }) => [container_id, members],
  );
}

function text(stack: SynthesizedStack): string {
  return String(resources(stack, "yandex_api_gateway")[0]?.spec);
}

function spec(stack: SynthesizedStack): Body {
  return JSON.parse(text(stack)) as Body;
}

function load(content: string | object): Promise<OpenApiDocument> {
  const file = join(scratch, "api.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return loadOpenApi(file);
}

function any(integration: object): Body {
  return { "x-yc-apigateway-any-method": { "x-yc-apigateway-integration": integration } };
}

function greedy(name: string, integration: object, method = "x-yc-apigateway-any-method"): Body {
  return {
    [method]: { parameters: [parameter(name)], "x-yc-apigateway-integration": integration },
  };
}

function parameter(name: string): Body {
  return { name, in: "path", required: true, schema: { type: "string" } };
}
