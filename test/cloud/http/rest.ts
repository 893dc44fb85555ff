import { camelCase } from "../case.ts";
import { CloudError, type GrpcCode } from "../errors.ts";
import type { Cloud } from "../state.ts";
import { compact } from "../triggers.ts";
import { CREATED_AT } from "../views.ts";
import {
  bearer,
  type CloudRequest,
  type CloudResponse,
  type Context,
  json,
  type Service,
} from "./service.ts";

export interface Route {
  /** `GET /triggers/v1/triggers/{id}:pause`: each name in braces becomes a parameter. */
  readonly on: string;
  /** Whether it is for those who have no token yet. */
  readonly open?: boolean;
  run(call: RestCall, context: Context): unknown;
}

export interface RestCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

const CODES: Record<GrpcCode, readonly [grpc: number, http: number]> = {
  InvalidArgument: [3, 400],
  NotFound: [5, 404],
  AlreadyExists: [6, 409],
  PermissionDenied: [7, 403],
  ResourceExhausted: [8, 429],
  FailedPrecondition: [9, 400],
  Internal: [13, 500],
  Unavailable: [14, 503],
  Unauthenticated: [16, 401],
};

/** A REST service: routes as data, an IAM token for all but open ones, errors in the API's form. */
export function restService(name: string, routes: readonly Route[]): Service {
  return {
    name,
    handle: (request, context) => {
      try {
        return json(200, compact(camelCase(dispatch(routes, request, context))));
      } catch (error) {
        if (error instanceof CloudError) return failure(error);
        throw error;
      }
    },
    unavailable: () => failure(new CloudError("Unavailable", "Service is unavailable")),
  };
}

/** Does `change`, and answers with an operation that is done when it is asked for. */
export function operation(
  context: Context,
  metadata: Record<string, string>,
  change: (cloud: Cloud) => unknown,
): unknown {
  return context.change((cloud) => {
    const failed = cloud.faults.operations;
    const response = failed ? undefined : change(cloud);
    const id = `ope${String(cloud.tick).padStart(17, "0")}`;
    cloud.operations ??= {};
    cloud.operations[id] = failed
      ? { done: true, metadata, error: { code: 13, message: "Internal error" } }
      : { done: true, metadata, response };
    return { id, created_at: CREATED_AT, done: false, metadata };
  });
}

/** A page of `items`, filtered by `name="x"` and by those fields only that the service knows. */
export function page<T extends object>(
  { query }: RestCall,
  items: readonly T[],
  fields: readonly (keyof T & string)[],
): { items: T[]; next_page_token?: string } {
  const from = Number(query.get("pageToken") ?? 0);
  const size = Number(query.get("pageSize") ?? 100) || 100;
  const kept = filtered(items, query.get("filter") ?? "", fields);
  return {
    items: kept.slice(from, from + size),
    ...(kept.length > from + size ? { next_page_token: `${from + size}` } : {}),
  };
}

export function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (!value) throw new CloudError("InvalidArgument", `${name}: Field is required`);
  return value;
}

function filtered<T extends object>(
  items: readonly T[],
  filter: string,
  fields: readonly (keyof T & string)[],
): T[] {
  if (filter === "") return [...items];
  const [, name, value] = /^\s*(\w+)\s*=\s*"([^"]*)"\s*$/.exec(filter) ?? [];
  const field = fields.find((field) => field === name);
  if (!field) throw new CloudError("InvalidArgument", `Invalid filter: ${filter}`);
  return items.filter((item) => item[field] === value);
}

// An OAuth token is refused here: it has to be exchanged for an IAM token first.
function checkToken(request: CloudRequest): void {
  const token = bearer(request);
  if (token === undefined)
    throw new CloudError("Unauthenticated", "Authorization header is missing");
  if (!token.startsWith("t1.")) throw new CloudError("Unauthenticated", "The token is invalid");
}

function dispatch(routes: readonly Route[], request: CloudRequest, context: Context): unknown {
  const line = `${request.method} ${request.path}`;
  for (const route of routes) {
    const params = match(route.on, line);
    if (params) {
      if (!route.open) checkToken(request);
      return route.run({ params, query: request.query, body: parseBody(request) }, context);
    }
  }
  throw new CloudError("NotFound", `No such method: ${line}`);
}

function match(pattern: string, line: string): Record<string, string> | undefined {
  const source = pattern.replace(/\{(\w+)\}/g, "(?<$1>[^/:]+)");
  const found = new RegExp(`^${source}$`).exec(line);
  return found ? { ...found.groups } : undefined;
}

function parseBody({ body, headers }: CloudRequest): Record<string, unknown> {
  if (body.length === 0) return {};
  if (!headers["content-type"]?.startsWith("application/json")) {
    throw new CloudError("InvalidArgument", "Content-Type must be application/json");
  }
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new CloudError("InvalidArgument", "Request body is not valid JSON");
  }
}

function failure({ code, message }: CloudError): CloudResponse {
  const [grpc, http] = CODES[code];
  return json(http, { code: grpc, message, details: [] });
}
