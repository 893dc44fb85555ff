import { literal } from "./_literal.ts";
import { asMapping, isMapping, type Mapping } from "./_mapping.ts";

/** Methods under which OpenAPI 3.0 knows operations, and the gateway's name for all others. */
export const ANY_METHOD = "x-yc-apigateway-any-method";
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace", ANY_METHOD];
/** Names what serves an operation. */
export const INTEGRATION = "x-yc-apigateway-integration";

/** What the gateway serves at a path and at every path below it. */
export interface Route {
  /** `/` or `/segment/segment`. */
  readonly path: string;
  /** Served at the path itself: nothing for files. */
  readonly at?: Mapping;
  /** Served at every path below it, with the rest of the path in a parameter. */
  readonly below: Mapping;
  readonly parameter: "proxy" | "file";
  readonly method: "get" | typeof ANY_METHOD;
}

/** One operation of a document, and where it stands. */
export interface DocumentOperation {
  readonly path: string;
  readonly method: string;
  /** The path item that holds it. */
  readonly item: Mapping;
  readonly body: Mapping;
}

/** Everything that a specification is made of. */
export interface SpecParts {
  readonly title: string;
  /** The user's own document, which everything else is added to. */
  readonly document?: Mapping;
  readonly routes: readonly Route[];
  /** For the operations of the document that leave it out. */
  readonly containerId?: string;
  readonly accountId: string;
}

/** The text of the specification: the same input gives the same text. */
export function renderSpec(parts: SpecParts): string {
  const base = parts.document ? fillIn(parts.document, parts) : emptyDocument(parts);
  const spec = {
    ...base,
    "x-yc-apigateway": asMapping(base["x-yc-apigateway"]),
    paths: { ...asMapping(base.paths), ...renderPaths(parts.routes, ignoresSlashes(base)) },
  };
  return literal(JSON.stringify(spec));
}

/** All operations of a document, in its order. */
export function operations(document: Mapping): DocumentOperation[] {
  return Object.entries(asMapping(document.paths)).flatMap(([path, item]) =>
    METHODS.filter((method) => isMapping(asMapping(item)[method])).map((method) => ({
      path,
      method,
      item: asMapping(item),
      body: asMapping(asMapping(item)[method]),
    })),
  );
}

/** The integrations that components hold for others to refer to, by name. */
export function sharedIntegrations(document: Mapping): Mapping {
  return asMapping(asMapping(document.components)["x-yc-apigateway-integrations"]);
}

/** Whether some operation of a document leaves it to the stack to name the container. */
export function needsContainer(document: Mapping): boolean {
  return (
    operations(document).some(({ body }) => lacksContainer(body[INTEGRATION] ?? TO_CONTAINER)) ||
    Object.values(sharedIntegrations(document)).some(lacksContainer)
  );
}

/** The paths under which a route stands in the specification. */
export function pathsOf(route: Route): string[] {
  return Object.keys(renderPaths([route], true));
}

/** A path with its parameters made nameless: the gateway takes two equal ones for the same. */
export function shapeOf(path: string): string {
  return path.replace(/\{[^}]*\}/g, "{}").replace(/(.)\/$/, "$1");
}

const TO_CONTAINER = { type: "serverless_containers" };

function lacksContainer(integration: unknown): boolean {
  return isMapping(integration) && integration.type === TO_CONTAINER.type
    ? integration.container_id === undefined
    : false;
}

function emptyDocument({ title }: SpecParts): Mapping {
  return {
    openapi: "3.0.3",
    info: { title, version: "1.0.0" },
    "x-yc-apigateway": { ignoreTrailingSlashes: true },
  };
}

function ignoresSlashes(document: Mapping): boolean {
  return asMapping(document["x-yc-apigateway"]).ignoreTrailingSlashes !== false;
}

function renderPaths(routes: readonly Route[], slashesIgnored: boolean): Mapping {
  const paths: Mapping = {};
  for (const { path, at, below, method, parameter } of routes) {
    const prefix = path === "/" ? "" : path;
    const exact = prefix === "" || slashesIgnored ? [path] : [path, `${path}/`];
    for (const key of at ? exact : []) paths[key] = { [method]: { [INTEGRATION]: at } };
    paths[`${prefix}/{${parameter}+}`] = { [method]: renderGreedy(parameter, below) };
  }
  return paths;
}

function renderGreedy(name: string, integration: Mapping): Mapping {
  return {
    parameters: [{ name, in: "path", required: true, schema: { type: "string" } }],
    [INTEGRATION]: integration,
  };
}

/** Names container and account where the document leaves them out, and nowhere else. */
function fillIn(document: Mapping, { containerId, accountId }: SpecParts): Mapping {
  const filled = structuredClone(document);
  const account = asMapping(filled["x-yc-apigateway"]).service_account_id;
  const defaults = {
    container_id: containerId,
    ...(account === undefined && { service_account_id: accountId }),
  };
  for (const { body } of operations(filled)) {
    body[INTEGRATION] = withDefaults(body[INTEGRATION] ?? TO_CONTAINER, defaults);
  }
  const shared = sharedIntegrations(filled);
  for (const name of Object.keys(shared)) shared[name] = withDefaults(shared[name], defaults);
  return filled;
}

function withDefaults(integration: unknown, defaults: Mapping): unknown {
  if (!isMapping(integration) || integration.type !== TO_CONTAINER.type) return integration;
  return { ...integration, ...missing(integration, defaults) };
}

function missing(integration: Mapping, defaults: Mapping): Mapping {
  return Object.fromEntries(
    Object.entries(defaults).filter(([key]) => integration[key] === undefined),
  );
}
