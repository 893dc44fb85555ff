import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Config } from "../../../stacks/config-schema.ts";
import { read } from "../stack/_synthesized.ts";
import { ask, openGateway } from "./_gateway.ts";

let scratch: string;
let gateway: Awaited<ReturnType<typeof openGateway>>;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "gateway-"));
});
afterEach(async () => {
  await gateway.close();
  rmSync(scratch, { recursive: true });
});

/** The gateway of a `config.ts`, as it is synthesized. */
async function openConfigured(fields: Partial<Config>): Promise<void> {
  const { gateways } = await read(fields);
  gateway = await openGateway({ spec: gateways[0]?.spec ?? "", buckets: scratch });
}

/** The container that has answered, or the status. */
async function served(path: string, method = "GET"): Promise<unknown> {
  const { headers, status } = await ask(gateway.port, path, { method });
  return headers["x-container"] ?? status;
}

test("the usual gateway hands everything to the site", async () => {
  await openConfigured({});
  expect(await served("/")).toBe("shop-web");
  expect(await served("/admin/login/?next=/", "POST")).toBe("shop-web");
});

test("a worker's path and a bucket in config.ts are routes", async () => {
  mkdirSync(join(scratch, "shop-static"));
  writeFileSync(join(scratch, "shop-static", "site.css"), "p {}");
  await openConfigured({ workerPath: "/worker/", staticBucket: "shop-static" });
  expect(await served("/")).toBe("shop-web");
  expect(await served("/worker")).toBe(404);
  expect(await served("/worker/", "POST")).toBe(404);
  expect(await served("/worker/anything", "POST")).toBe(404);
  // The worker refuses this one itself, by the gateway's headers.
  expect(await served("/%77orker/", "POST")).toBe("shop-web");
  expect((await ask(gateway.port, "/static/site.css")).body).toBe("p {}");
  expect(await served("/static/site.css", "POST")).toBe(405);
});

test("the user's own OpenAPI file is what is served", async () => {
  const openapi = join(scratch, "api.yaml");
  writeFileSync(
    openapi,
    `openapi: "3.0.3"
info: { title: API, version: "1" }
x-yc-apigateway:
  variables: { greeting: { default: Hello } }
paths:
  /orders/{id}:
    get:
      parameters:
        - { name: id, in: path, required: true, schema: { type: string } }
      responses: { "200": { description: An order } }
  /hello:
    get:
      responses: { "200": { description: A greeting } }
      x-yc-apigateway-integration:
        type: dummy
        http_code: 200
        content: { "*": "\${var.greeting}" }
`,
  );
  await openConfigured({ openapi });
  expect(await served("/orders/7")).toBe("shop-web");
  expect(await served("/orders/7", "DELETE")).toBe(405);
  expect(await served("/other")).toBe(404);
  expect((await ask(gateway.port, "/hello")).body).toBe("Hello");
});
