import { parse } from "yaml";
import { holds, mayInvoke } from "../rights.ts";
import type { Cloud, Gateway } from "../state.ts";
import { type CloudRequest, type CloudResponse, json, type Service } from "./service.ts";

interface Integration {
  type?: string;
  container_id?: string;
  service_account_id?: string;
  bucket?: string;
  object?: string;
  http_code?: number;
  content?: Record<string, string>;
}

type Operations = Record<string, { "x-yc-apigateway-integration"?: Integration }>;

interface Spec {
  paths?: Record<string, Operations>;
  "x-yc-apigateway"?: { service_account_id?: string; ignoreTrailingSlashes?: boolean };
}

const VIEWERS = ["storage.viewer", "storage.editor", "storage.admin", "viewer", "editor", "admin"];
const DENIED = json(403, { message: "Permission denied" });

/** `/gateway/<domain or id>/…`: what a visitor of the site would get, by the gateway's own text. */
export const GATEWAY: Service = {
  name: "gateway",
  handle: (request, context) => context.read((cloud) => visit(cloud, request)),
  unavailable: () => json(503, { message: "Service Unavailable" }),
};

function visit(cloud: Cloud, request: CloudRequest): CloudResponse {
  const [, host = "", path = "/"] = /^\/([^/]+)(\/.*)?$/.exec(request.path) ?? [];
  const gateway = find(cloud, host);
  if (!gateway) return json(404, { message: `No gateway answers for ${host}` });
  const spec = parse(gateway.spec) as Spec;
  const { integration, params } = route(spec, request.method, path) ?? {};
  if (!integration) return json(404, { message: "Not Found" });
  switch (integration.type) {
    case "dummy":
      return {
        status: integration.http_code ?? 200,
        body: Object.values(integration.content ?? {})[0] ?? "",
      };
    case "object_storage":
      return object(cloud, gateway, spec, integration, params ?? {});
    case "serverless_containers":
      return invoke(cloud, spec, integration);
    default:
      return json(501, { message: `Integration ${integration.type} is not known here` });
  }
}

function find(cloud: Cloud, host: string): Gateway | undefined {
  return (
    cloud.gateways[host] ??
    Object.values(cloud.gateways).find(
      ({ domain, domains }) => domain === host || domains.some(({ fqdn }) => fqdn === host),
    )
  );
}

// The most literal path wins: a greedy parameter comes last. One slash at the end is ignored unless
// the text says otherwise.
function route(spec: Spec, method: string, path: string) {
  const ignored = spec["x-yc-apigateway"]?.ignoreTrailingSlashes !== false;
  const normal = (it: string) => (ignored ? it.replace(/(.)\/$/, "$1") : it);
  const candidates = Object.entries(spec.paths ?? {}).sort(
    ([a], [b]) => weight(b) - weight(a) || b.length - a.length,
  );
  for (const [pattern, operations] of candidates) {
    const source = normal(pattern).replace(/\{(\w+)(\+?)\}/g, (_, name, greedy) =>
      greedy ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`,
    );
    const match = new RegExp(`^${source}$`).exec(normal(path));
    const operation = operations[method.toLowerCase()] ?? operations["x-yc-apigateway-any-method"];
    if (match && operation) {
      return { integration: operation["x-yc-apigateway-integration"], params: { ...match.groups } };
    }
  }
  return undefined;
}

function weight(pattern: string): number {
  if (!pattern.includes("{")) return 2;
  return pattern.includes("+}") ? 0 : 1;
}

function object(
  cloud: Cloud,
  { folderId }: Gateway,
  spec: Spec,
  integration: Integration,
  params: Record<string, string>,
): CloudResponse {
  const { bucket, object = "" } = integration;
  // Without an account the bucket has to be a public one, and all of them are.
  const account = accountOf(spec, integration);
  if (account && !holds(cloud, account, VIEWERS, [`folder:${folderId}`])) return DENIED;
  const key = object.replace(/\{(\w+)\}/g, (_, name) => params[name] ?? "");
  const text = cloud.objects[`${bucket}/${key}`];
  return text === undefined ? json(404, { message: "Not Found" }) : { status: 200, body: text };
}

function invoke(cloud: Cloud, spec: Spec, integration: Integration): CloudResponse {
  const id = integration.container_id ?? "";
  const container = cloud.containers[id];
  const account = accountOf(spec, integration);
  if (!container) return json(404, { message: `Container ${id} not found` });
  if (!mayInvoke(cloud, account, id)) return DENIED;
  const revision = container.revisions.find(({ status }) => status === "ACTIVE");
  if (!revision) return json(404, { message: `Container ${id} has no active revision` });
  return {
    status: 200,
    headers: { "content-type": "text/html", "x-container-id": id, "x-revision-id": revision.id },
    body: `Container ${container.name}, revision ${revision.id}\n`,
  };
}

function accountOf(spec: Spec, integration: Integration): string | undefined {
  return integration.service_account_id ?? spec["x-yc-apigateway"]?.service_account_id;
}
