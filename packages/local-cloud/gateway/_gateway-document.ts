import { isObject, type JsonObject } from "../support/json.ts";

/** The method of operations that serve all that have none of their own. */
export const ANY_METHOD = "x-yc-apigateway-any-method";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace", ANY_METHOD];
const INTEGRATION = "x-yc-apigateway-integration";
const EMULATED = ["serverless_containers", "object_storage", "dummy"];

/** What the gateway does with one method of one path. */
export interface GatewayOperation {
  /** With its parameters: `/static/{file+}`. */
  readonly path: string;
  /** In lower case, or `ANY_METHOD`. */
  readonly method: string;
  readonly parameters: readonly JsonObject[];
  readonly integration: JsonObject;
  /** Answers to browsers that ask whether they may; without it nothing is answered for them. */
  readonly cors?: JsonObject;
  /** Why the operation cannot be served here. */
  readonly missing?: string;
}

/** A gateway's OpenAPI document with all references and variables resolved. */
export interface GatewayDocument {
  readonly operations: readonly GatewayOperation[];
  readonly ignoresTrailingSlashes: boolean;
  /** What the text asks for and is not emulated, in sentences, each once. */
  readonly missing: readonly string[];
}

/** Reads an OpenAPI document (JSON or YAML) with Yandex's extensions. */
export async function readGatewayDocument(text: string): Promise<GatewayDocument> {
  const written = asObject(text.startsWith("{") ? JSON.parse(text) : await parseYaml(text));
  const settings = asObject(written["x-yc-apigateway"]);
  const document = asObject(fillIn(written, variablesOf(settings)));
  const operations = Object.entries(asObject(document.paths)).flatMap(([path, item]) =>
    readPath(document, path, asObject(item)),
  );
  const missing = operations.flatMap((operation) => operation.missing ?? []);
  return {
    operations,
    ignoresTrailingSlashes: settings.ignoreTrailingSlashes !== false,
    missing: [...new Set([...missing, ...extrasIn(written, settings)])],
  };
}

/** The value itself where it is an object, an empty one in place of anything else. */
export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

// Stacks of this project write JSON: their start does not wait for a reader of YAML.
async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import("yaml");
  return parse(text);
}

function readPath(document: JsonObject, path: string, item: JsonObject): GatewayOperation[] {
  const settings = asObject(document["x-yc-apigateway"]);
  const cors = resolve(document, item["x-yc-apigateway-cors"] ?? settings.cors);
  return METHODS.filter((method) => method in item).map((method) => {
    const body = asObject(item[method]);
    const integration = resolve(document, body[INTEGRATION]);
    return {
      path,
      method,
      integration,
      parameters: [...asList(item.parameters), ...asList(body.parameters)].map((parameter) =>
        resolve(document, parameter),
      ),
      ...(cors.origin !== undefined && cors.origin !== false && { cors }),
      missing: missingOf(document, body, integration),
    };
  });
}

function missingOf(
  document: JsonObject,
  body: JsonObject,
  { type }: JsonObject,
): string | undefined {
  if (!EMULATED.includes(String(type))) {
    return `Integrations of type ${type} are not emulated.`;
  }
  const schemes = asObject(asObject(document.components).securitySchemes);
  const guarded = asList(body.security ?? document.security)
    .flatMap((requirement) => Object.keys(asObject(requirement)))
    .some((name) => "x-yc-apigateway-authorizer" in asObject(schemes[name]));
  return guarded ? "x-yc-apigateway-authorizer is not emulated." : undefined;
}

/** Extensions that are served, or that say by themselves what is not. */
const SERVED: ReadonlySet<string> = new Set([
  "x-yc-apigateway",
  "x-yc-apigateway-authorizer",
  "x-yc-apigateway-cors",
  "x-yc-apigateway-cors-rules",
  "x-yc-apigateway-integrations",
  ANY_METHOD,
  INTEGRATION,
]);
const SERVED_SETTINGS: ReadonlySet<string> = new Set([
  "cors",
  "ignoreTrailingSlashes",
  "service_account_id",
  "serviceAccountId",
  "variables",
]);

function extrasIn(document: JsonObject, settings: JsonObject): string[] {
  const asked = [
    ...Object.keys(settings).filter((name) => !SERVED_SETTINGS.has(name)),
    ...[...extensionsIn(document)].filter((name) => !SERVED.has(name)),
  ];
  return asked.map((name) => `${name} is not emulated: requests are served without it.`);
}

function extensionsIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== "object" || value === null) return found;
  for (const [key, child] of Object.entries(value)) {
    if (key.startsWith("x-yc-") && !Array.isArray(value)) found.add(key);
    extensionsIn(child, found);
  }
  return found;
}

/** The default of each variable, as the text has it. */
function variablesOf({ variables }: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(asObject(variables)).map(([name, variable]) => [
      name,
      asObject(variable).default,
    ]),
  );
}

/** Replaces `${var.name}` by the variable's value. A text that is nothing but a variable takes its type. */
function fillIn(value: unknown, variables: JsonObject): unknown {
  if (typeof value === "string") {
    const [, only] = value.match(/^\$\{(?:var|apigw)\.(\w+)\}$/) ?? [];
    if (only !== undefined) return variables[only] ?? value;
    return value.replace(/\$\{(?:var|apigw)\.(\w+)\}/g, (text, name) =>
      String(variables[name] ?? text),
    );
  }
  if (Array.isArray(value)) return value.map((item) => fillIn(item, variables));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillIn(item, variables)]),
  );
}

/** A mapping, or the one that it refers to: `{ $ref: "#/components/…" }`. */
function resolve(document: JsonObject, value: unknown): JsonObject {
  const { $ref } = asObject(value);
  if (typeof $ref !== "string") return asObject(value);
  const steps = $ref
    .replace(/^#\//, "")
    .split("/")
    .map((step) => step.replace(/~1/g, "/").replace(/~0/g, "~"));
  return asObject(steps.reduce<unknown>((place, step) => asObject(place)[step], document));
}
