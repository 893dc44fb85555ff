import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { collectRefusals } from "../../constructs/_refusal.ts";
import { loadOpenApi } from "../../constructs/open-api.ts";

const scratch = mkdtempSync(join(tmpdir(), "openapi-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const HEAD = `openapi: "3.0.3"
info: { title: Shop, version: "1" }
`;
const DUMMY = "x-yc-apigateway-integration: { type: dummy, http_code: 204 }";

describe("loadOpenApi", () => {
  test("reads YAML with Yandex's extensions", async () => {
    const { content, messages } = await load(`
openapi: 3.0.0
info:
  title: Shop
  version: 1.0.0
x-yc-apigateway:
  variables:
    bucket: { default: shop-static }
  cors: { $ref: "#/components/x-yc-apigateway-cors-rules/Any" }
paths:
  /:
    x-yc-apigateway-any-method:
      x-yc-apigateway-integration: { type: serverless_containers }
  /{proxy+}:
    x-yc-apigateway-any-method:
      x-yc-apigateway-integration: { type: serverless_containers, container_id: "\${var.id}" }
      parameters:
        - { name: proxy, in: path, required: false, schema: { type: string, default: "-" } }
  /static/{file+}:
    parameters:
      - $ref: "#/components/parameters/File"
    get:
      x-yc-apigateway-integration: &files
        type: object_storage
        bucket: \${var.bucket}
        object: "{file}"
    head:
      x-yc-apigateway-integration:
        <<: *files
        service_account_id: ajeaaaaaaaaaaaaaaaaa
  /a/{rest+}/tail:
    get:
      operationId: tail
      parameters:
        - { name: rest, in: path, required: true, schema: { type: string } }
      responses:
        200: { description: fine }
      x-yc-apigateway-integration: { $ref: "\${var.handler}" }
  /socket:
    x-yc-apigateway-websocket-connect:
      x-yc-apigateway-integration: { type: cloud_functions, function_id: d4e }
components:
  parameters:
    File: { name: file, in: path, required: true, schema: { type: string } }
  x-yc-apigateway-cors-rules:
    Any: { origin: "*" }
  x-yc-apigateway-integrations:
    Gone: { type: dummy, http_code: 410 }
`);

    expect(messages).toEqual([]);
    expect(content).toMatchObject({
      paths: {
        "/static/{file+}": {
          head: {
            "x-yc-apigateway-integration": { type: "object_storage", object: "{file}" },
          },
        },
      },
    });
  });

  test("reads JSON", async () => {
    const { content, messages } = await load(
      '{"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"paths":{"/":{"get":{}}}}',
    );

    expect(messages).toEqual([]);
    expect(content.paths).toEqual({ "/": { get: {} } });
  });

  test("accepts the schema that a Django project generates, which knows no gateway", async () => {
    const { messages } = await load(`${HEAD}paths:
  /api/orders/{id}/:
    get:
      operationId: orders_retrieve
      parameters:
        - { in: path, name: id, schema: { type: integer }, required: true }
      security: [{ cookieAuth: [] }, {}]
      responses:
        '200':
          content: { application/json: { schema: { $ref: '#/components/schemas/Order' } } }
          description: ''
components:
  schemas:
    Order: { type: object, properties: { id: { type: integer, readOnly: true } } }
  securitySchemes:
    cookieAuth: { type: apiKey, in: cookie, name: sessionid }
`);

    expect(messages).toEqual([]);
  });

  test("accepts references by variables, and a greedy parameter beside another", async () => {
    const { messages } =
      await load(`${HEAD}x-yc-apigateway: { variables: { id: { default: Order } } }
paths:
  /a/{file+}: { parameters: [{ $ref: "#/components/parameters/File" }], get: {} }
  /a/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get:
      responses:
        default:
          description: fine
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Order" }
      x-yc-apigateway-integration: { $ref: "#/components/x-yc-apigateway-integrations/\${var.id}" }
components:
  parameters:
    File: { name: file, in: path, required: true, schema: { type: string } }
  schemas:
    Order: { type: object }
`);

    expect(messages).toEqual([]);
  });

  test("tells all problems at once", async () => {
    const { messages } = await load(`openapi: "3.0.3"
info: { title: Shop, version: 1.0 }
paths:
  /a:
    get:
      x-yc-apigateway-integration: { type: lambda }
  b: {}
`);

    expect(messages).toHaveLength(3);
  });

  const VERSION_RULE =
    'allowed: "3.0.0" to "3.0.4", in quotes. The gateway takes OpenAPI 3.0: convert the file and set openapi.';
  const TYPES =
    "allowed: dummy, cloud_functions, http, object_storage, cloud_datasphere, cloud_datastreams, serverless_containers, cloud_ymq, cloud_ydb, swagger. Correct the type, or leave the integration out to use the container.";
  const ID_RULE =
    "allowed: an id of 20 lowercase letters and digits, or a variable such as ${var.id}. Leave it out: the stack fills in its own.";

  const REFERENCE_RULE =
    "allowed: references to what is in the file itself, like #/components/schemas/Order. Define it there, or correct the reference.";

  const AT = "#/paths/~1a/get/x-yc-apigateway-integration";
  const integration = (...lines: string[]) =>
    `${HEAD}paths:\n  /a:\n    get:\n      x-yc-apigateway-integration:\n${lines
      .map((line) => `        ${line}\n`)
      .join("")}`;

  test.each<[string, string, string]>([
    [
      "text that is no YAML",
      "a: b: c\n",
      "'api.yaml:1' is \"a: b: c\", allowed: YAML 1.2 or JSON (Nested mappings are not allowed in compact mappings). Correct the line, or put its text in quotes.",
    ],
    [
      "a key twice",
      `${HEAD}paths:\n  /a: {}\n  /a: {}\n`,
      "'api.yaml:5' is \"/a: {}\", allowed: YAML 1.2 or JSON (Map keys must be unique). Correct the line, or put its text in quotes.",
    ],
    [
      "an empty file",
      "",
      "'api.yaml' is null, allowed: a mapping that starts with openapi. Begin the file with openapi: \"3.0.3\".",
    ],
    [
      "a list",
      "- a\n",
      '\'api.yaml\' is "a list", allowed: a mapping that starts with openapi. Begin the file with openapi: "3.0.3".',
    ],
    [
      "OpenAPI 2",
      'swagger: "2.0"\npaths: { /a: {} }\n',
      `'api.yaml:1 #/swagger' is "2.0", ${VERSION_RULE}`,
    ],
    [
      "OpenAPI 3.1",
      'openapi: "3.1.0"\npaths: { /a: {} }\n',
      `'api.yaml:1 #/openapi' is "3.1.0", ${VERSION_RULE}`,
    ],
    [
      "a version without quotes that YAML takes for a number",
      "openapi: 3.0\npaths: { /a: {} }\n",
      `'api.yaml:1 #/openapi' is 3, ${VERSION_RULE}`,
    ],
    [
      "a file without paths",
      `${HEAD}paths: {}\n`,
      "'api.yaml:3 #/paths' is \"a mapping\", allowed: at least one path. Describe one, or leave openapi out of the configuration.",
    ],
    [
      "a value that must be in quotes",
      'openapi: "3.0.3"\ninfo: { title: Shop, version: 1.0 }\npaths: { /a: {} }\n',
      "'api.yaml:2 #/info/version' is 1, allowed: OpenAPI 3.0: must be string. Put it in quotes.",
    ],
    [
      "a missing field",
      'openapi: "3.0.3"\ninfo: { title: Shop }\npaths: { /a: {} }\n',
      "'api.yaml:2 #/info' is \"a mapping\", allowed: OpenAPI 3.0: must have required property 'version'. Add version.",
    ],
    [
      "a field that does not exist",
      `${HEAD}paths:\n  /a:\n    any: {}\n`,
      "'api.yaml:5 #/paths/~1a' is \"any\", allowed: OpenAPI 3.0: must NOT have additional properties: any. Remove any, or correct its name.",
    ],
    [
      "a mistake below x-yc-apigateway-any-method",
      `${HEAD}paths:\n  /a:\n    x-yc-apigateway-any-method:\n      summary: 5\n      ${DUMMY}\n`,
      "'api.yaml:6 #/paths/~1a/x-yc-apigateway-any-method/summary' is 5, allowed: OpenAPI 3.0: must be string. Put it in quotes.",
    ],
    [
      "an unknown place of a parameter",
      `${HEAD}paths:\n  /a:\n    get:\n      parameters: [{ name: q, in: body, required: true, schema: { type: string } }]\n`,
      "'api.yaml:6 #/paths/~1a/get/parameters/0/in' is \"body\", allowed: one of path, query, header, cookie. Correct the place of the parameter.",
    ],
    [
      "a value that no alternative allows",
      `${HEAD}paths:\n  /a:\n    get:\n      parameters: [{ name: q, in: query, schema: 5 }]\n`,
      "'api.yaml:6 #/paths/~1a/get/parameters/0/schema' is 5, allowed: OpenAPI 3.0: must be object. Correct it.",
    ],
    [
      "a reference that leads nowhere",
      `${HEAD}paths:\n  /a:\n    get:\n      responses: { default: { $ref: "#/components/responses/None" } }\n`,
      `'api.yaml:6 #/paths/~1a/get/responses/default/$ref' is "#/components/responses/None", ${REFERENCE_RULE}`,
    ],
    [
      "an integration that refers to nothing",
      integration('$ref: "#/components/x-yc-apigateway-integrations/None"'),
      `'api.yaml:7 ${AT}/$ref' is "#/components/x-yc-apigateway-integrations/None", ${REFERENCE_RULE}`,
    ],
    [
      "a reference that is a variable, one of whose values leads nowhere",
      `${HEAD}x-yc-apigateway:
  variables:
    handler: { default: "#/components/x-yc-apigateway-integrations/A", enum: ["#/none"] }
paths:
  /a: { get: { x-yc-apigateway-integration: { $ref: "\${var.handler}" } } }
components:
  x-yc-apigateway-integrations:
    A: { type: dummy, http_code: 204 }
`,
      `'api.yaml:7 ${AT}/$ref' is "\${var.handler}", ${REFERENCE_RULE}`,
    ],
    [
      "a CORS rule that refers to nothing",
      `${HEAD}x-yc-apigateway: { cors: { $ref: "#/components/none" } }\npaths: { /a: {} }\n`,
      `'api.yaml:3 #/x-yc-apigateway/cors/$ref' is "#/components/none", ${REFERENCE_RULE}`,
    ],
    [
      "a reference to another file",
      `${HEAD}paths:\n  /a: { parameters: [{ $ref: "shared.yaml#/Id" }] }\n`,
      `'api.yaml:4 #/paths/~1a/parameters/0/$ref' is "shared.yaml#/Id", ${REFERENCE_RULE}`,
    ],
    [
      "two paths that differ by the name of a parameter",
      `${HEAD}paths:
  /a/{x}/b: { parameters: [{ name: x, in: path, required: true, schema: { type: string } }] }
  /a/{y}/b: { parameters: [{ name: y, in: path, required: true, schema: { type: string } }] }
`,
      "'api.yaml:5 #/paths/~1a~1{y}~1b' is \"/a/{y}/b\", allowed: paths that differ by more than the names of parameters, and there is /a/{x}/b. Put the operations of both under one of them.",
    ],
    [
      "the same operationId twice",
      `${HEAD}paths:\n  /a:\n    get: { operationId: a }\n  /b:\n    get: { operationId: a }\n`,
      "'api.yaml:7 #/paths/~1b/get/operationId' is \"a\", allowed: an id that no other operation has. Rename one of the two.",
    ],
    [
      "a path parameter that is not declared",
      `${HEAD}paths:\n  /a/{x+}:\n    get:\n      ${DUMMY}\n`,
      "'api.yaml:6 #/paths/~1a~1{x+}/get' is [], allowed: parameters that declare x with in: path. Add { name: x, in: path, required: true, schema: { type: string } }.",
    ],
    [
      "an unknown type of integration",
      integration("type: lambda"),
      `'api.yaml:7 ${AT}/type' is "lambda", ${TYPES}`,
    ],
    [
      "an unknown type among the shared integrations",
      `${HEAD}paths: { /a: {} }\ncomponents:\n  x-yc-apigateway-integrations:\n    A:\n      type: lambda\n`,
      `'api.yaml:7 #/components/x-yc-apigateway-integrations/A/type' is "lambda", ${TYPES}`,
    ],
    [
      "an integration without a type",
      integration("bucket: shop-static"),
      `'api.yaml:7 ${AT}/type' is undefined, ${TYPES}`,
    ],
    [
      "a placeholder for the container",
      integration("type: serverless_containers", "container_id: <container_id>"),
      `'api.yaml:8 ${AT}/container_id' is "<container_id>", ${ID_RULE}`,
    ],
    [
      "an empty container id",
      integration("type: serverless_containers", "container_id:"),
      `'api.yaml:8 ${AT}/container_id' is null, ${ID_RULE}`,
    ],
    [
      "a placeholder for the account",
      integration("type: serverless_containers", "service_account_id: aje**************"),
      `'api.yaml:8 ${AT}/service_account_id' is "aje**************", ${ID_RULE}`,
    ],
    [
      "braces without quotes, which YAML takes for a mapping",
      integration("type: object_storage", "bucket: b", "object: {file}"),
      `'api.yaml:9 ${AT}/object' is "a mapping", allowed: text or a number: object_storage needs object. Write it in quotes if it begins with a brace, like object: "{file}".`,
    ],
    [
      "an integration that lacks what its type needs",
      integration("type: http"),
      `'api.yaml:7 ${AT}/url' is undefined, allowed: text or a number: http needs url. Write it in quotes if it begins with a brace, like url: "{file}".`,
    ],
    [
      "a template protected from Terraform by hand",
      integration("type: http", "url: https://$${var.host}/"),
      `'api.yaml:8 ${AT}/url' is "https://$\${var.host}/", allowed: variables of the gateway as \${var.name}. Write one dollar sign: the stack protects the text from Terraform.`,
    ],
  ])("rejects %s", async (_, text, message) => {
    expect((await load(text)).messages).toEqual([message]);
  });

  const DECLARED = (parameter: string, path = "/a/{x}") =>
    `${HEAD}paths:\n  ${path}:\n    get:\n      parameters: [${parameter}]\n      ${DUMMY}\n`;
  const SCHEME = (scheme: string) =>
    `${HEAD}paths: { /a: { get: {} } }\ncomponents: { securitySchemes: { A: { ${scheme} } } }\n`;

  test.each<[string, string]>([
    ["a parameter without schema", DECLARED("{ name: x, in: path }")],
    ["a greedy parameter without schema", DECLARED("{ name: x, in: path }", "/{x+}")],
    ["a parameter whose schema is misspelt", DECLARED("{ name: x, in: path, shema: {} }")],
    [
      "a parameter with schema and content",
      DECLARED("{ name: x, in: path, schema: {}, content: { text/plain: {} } }"),
    ],
    ["a parameter without place", DECLARED("{ name: x, schema: {} }")],
    ["a parameter without name", DECLARED("{ in: path, schema: {} }")],
    ["a parameter in another place", DECLARED("{ name: x, in: body, schema: {} }")],
    [
      "a parameter that no operation of the path declares",
      `${HEAD}paths:\n  /a/{x}:\n    get:\n      ${DUMMY}\n    post:\n      ${DUMMY}\n`,
    ],
    ["a type of login that is none", SCHEME("type: apikey, in: header, name: X")],
    ["a key without name", SCHEME("type: apiKey, in: header")],
    ["a login over HTTP without scheme", SCHEME("type: http")],
  ])("says one mistake in one line: %s", async (_, text) => {
    const { messages } = await load(text);

    expect(messages).toHaveLength(1);
  });

  test.each<[string, string, string]>([
    [
      "aliases that stand for more than memory holds",
      `${HEAD}a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
`,
      "Excessive alias count",
    ],
    ["a value that holds itself", `${HEAD}paths: &x { /a: *x }\n`, "circular structure"],
    ["a value that merges itself", `${HEAD}paths: &x\n  <<: *x\n`, "Excessive alias count"],
    ["an alias of nothing", `${HEAD}paths: *nowhere\n`, "Unresolved alias"],
  ])("names the file of %s", async (_, text, reason) => {
    const { messages } = await load(text);

    expect(messages).toEqual([expect.stringMatching(`^'api.yaml' is .*${reason}`)]);
  });

  test("takes every documented type of integration", async () => {
    const { messages } = await load(`${HEAD}paths:
  /docs:
    get: { x-yc-apigateway-integration: { type: swagger } }
`);

    expect(messages).toEqual([]);
  });

  test("says which list an unknown type is not in, and of when it is", async () => {
    const { refusals } = await load(integration("type: lambda"));

    expect(refusals).toMatchObject([
      {
        value: "lambda",
        source: expect.stringMatching(/^https:\/\/yandex\.cloud\/.*, [A-Z][a-z]+ \d{4}$/),
      },
    ]);
  });

  test("rejects a file that is not there", async () => {
    const { refusals } = await loadOpenApi("missing.yaml");

    expect(refusals).toEqual([
      {
        field: "openapi",
        value: "missing.yaml",
        allowed: "a file that can be read",
        fix: "Give its path relative to the project",
      },
    ]);
  });
});

async function load(text: string) {
  const file = join(scratch, "api.yaml");
  writeFileSync(file, text);
  const { content, refusals } = await loadOpenApi(file);
  const messages = collectRefusals((refuse) => {
    for (const refusal of refusals) refuse(true, refusal);
  });
  return {
    content,
    refusals,
    messages: messages.map((message) => message.replace(`${scratch}/`, "")),
  };
}
