import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readGatewayDocument } from "../../../packages/local-cloud/gateway/_gateway-document.ts";
import {
  makeRouter,
  operationFor,
  type Router,
} from "../../../packages/local-cloud/gateway/_router.ts";

const DUMMY = { "x-yc-apigateway-integration": { type: "dummy", http_code: 200 } };
const ANY = "x-yc-apigateway-any-method";

async function routerOf(paths: object, settings: object = {}): Promise<Router> {
  const text = JSON.stringify({ openapi: "3.0.3", "x-yc-apigateway": settings, paths });
  return makeRouter(await readGatewayDocument(text));
}

/** `<path of the operation> <parameters>` */
function found(router: Router, path: string): string {
  const route = router(path);
  if (!route) return "nothing";
  const parameters = Object.entries(route.parameters).map(([name, value]) => ` ${name}=${value}`);
  return `${route.operations[0]?.path}${parameters.join("")}`;
}

const PATHS = [
  "/",
  "/users",
  "/users/{id}",
  "/users/me",
  "/users/{id}/orders/{order}",
  "/files/{name}.json",
  "/static/{file+}",
  "/a/{rest+}/tail",
  "/a/{rest+}",
  "/worker",
  "/{proxy+}",
];

describe("the router", async () => {
  const paths = Object.fromEntries(PATHS.map((path) => [path, { [ANY]: DUMMY }]));
  const router = await routerOf(paths);

  test.each([
    ["/", "/"],
    ["/users", "/users"],
    ["/users/", "/users"],
    ["/users/7", "/users/{id} id=7"],
    ["/users/7/", "/users/{id} id=7"],
    ["/users/me", "/users/me"],
    ["/users/7/orders/8", "/users/{id}/orders/{order} id=7 order=8"],
    ["/users/7/orders", "/{proxy+} proxy=users/7/orders"],
    ["/users/a%2Fb", "/users/{id} id=a/b"],
    ["/users/%E2%82", "/users/{id} id=%E2%82"],
    ["/files/x.json", "/files/{name}.json name=x"],
    ["/files/xjson", "/{proxy+} proxy=files/xjson"],
    ["/static/js/main.js", "/static/{file+} file=js/main.js"],
    ["/static", "/{proxy+} proxy=static"],
    ["/a/b/c/tail", "/a/{rest+}/tail rest=b/c"],
    ["/a/b/c", "/a/{rest+} rest=b/c"],
    ["/worker", "/worker"],
    ["/%77orker", "/{proxy+} proxy=worker"],
    ["//worker", "/{proxy+} proxy=/worker"],
  ])("finds for %s %s", (path, expected) => {
    expect(found(router, path)).toBe(expected);
  });

  test("does not depend on the order of the paths", async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(PATHS, { minLength: PATHS.length }), async (order) => {
        const shuffled = await routerOf(
          Object.fromEntries(order.map((path) => [path, paths[path]])),
        );
        for (const path of ["/users/me", "/a/b/tail", "/static/x", "/users/7", "/worker"]) {
          expect(found(shuffled, path)).toBe(found(router, path));
        }
      }),
    );
  });

  test("tells slashes at the end apart where the specification says so", async () => {
    const exact = await routerOf(
      { "/a": { get: DUMMY }, "/b/": { get: DUMMY } },
      { ignoreTrailingSlashes: false },
    );
    expect(["/a", "/a/", "/b", "/b/"].map((path) => found(exact, path))).toEqual([
      "/a",
      "nothing",
      "nothing",
      "/b/",
    ]);
  });

  test("lets a greedy parameter be empty that is not required", async () => {
    const parameters = [{ name: "proxy", in: "path", required: false }];
    const optional = await routerOf({ "/{proxy+}": { [ANY]: { ...DUMMY, parameters } } });
    expect(found(optional, "/")).toBe("/{proxy+}");
    expect(found(await routerOf({ "/{proxy+}": { [ANY]: DUMMY } }), "/")).toBe("nothing");
  });

  test("prefers a method's own operation", async () => {
    const route = (await routerOf({ "/": { get: DUMMY, [ANY]: DUMMY } }))("/");
    expect(route && operationFor(route, "GET")?.method).toBe("get");
    expect(route && operationFor(route, "PURGE")?.method).toBe(ANY);
  });
});
