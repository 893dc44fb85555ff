import {
  type DocumentOperation,
  INTEGRATION,
  operations,
  sharedIntegrations,
} from "./_gateway-spec.ts";
import { asMapping, type Mapping, valueAt } from "./_mapping.ts";
import { danglingReferences } from "./_open-api-references.ts";
import { PARAMETER_LOCATIONS, schemaProblems } from "./_open-api-schema.ts";
import { type OpenApiSource, shown } from "./_open-api-source.ts";
import type { Refuse } from "./_refusal.ts";

/** What the gateway would reject about a parsed file. */
export async function checkOpenApi(source: OpenApiSource, refuse: Refuse): Promise<void> {
  if (!checkVersion(source, refuse)) return;
  checkOperations(source, refuse);
  checkShapes(source, refuse);
  // A validator that cannot follow a reference says nothing else.
  if (!refusesReferences(source, refuse)) await checkSchema(source, refuse);
}

/** Whether the file is of a version that the rest can be checked for. */
function checkVersion({ content, at }: OpenApiSource, refuse: Refuse): boolean {
  const version = content.openapi ?? content.swagger;
  const right = typeof content.openapi === "string" && /^3\.0\.\d+$/.test(content.openapi);
  refuse(!right, {
    field: at(["openapi" in content ? "openapi" : "swagger"]),
    value: version,
    allowed: '"3.0.0" to "3.0.4", in quotes',
    fix: "The gateway takes OpenAPI 3.0: convert the file and set openapi",
    source: "https://yandex.cloud/en/docs/api-gateway/concepts/, November 2026",
  });
  refuse(Object.keys(asMapping(content.paths)).length === 0, {
    field: at(["paths"]),
    value: shown(content.paths),
    allowed: "at least one path",
    fix: "Describe one, or leave openapi out of the configuration",
  });
  return right;
}

const INTEGRATIONS = "https://yandex.cloud/en/docs/api-gateway/concepts/extensions/, November 2026";

/** The documented types, each with the fields that it cannot do without. */
const REQUIRED_FIELDS: Record<string, readonly string[]> = {
  dummy: ["http_code"],
  cloud_functions: ["function_id"],
  http: ["url"],
  object_storage: ["bucket", "object"],
  cloud_datasphere: [],
  cloud_datastreams: [],
  serverless_containers: [],
  cloud_ymq: [],
  cloud_ydb: [],
  swagger: [],
};

function checkOperations(source: OpenApiSource, refuse: Refuse): void {
  const ids = new Set<unknown>();
  for (const operation of operations(source.content)) {
    const { path, method, body } = operation;
    const id = body.operationId;
    refuse(id !== undefined && ids.has(id), {
      field: source.at(["paths", path, method, "operationId"]),
      value: id,
      allowed: "an id that no other operation has",
      fix: "Rename one of the two",
    });
    ids.add(id);
    if (INTEGRATION in body) {
      const place = ["paths", path, method, INTEGRATION];
      checkIntegration(source, place, body[INTEGRATION], refuse);
    }
  }
  for (const path of Object.keys(asMapping(source.content.paths))) {
    checkParameters(source, path, refuse);
  }
  const shared = ["components", "x-yc-apigateway-integrations"];
  for (const [name, integration] of Object.entries(sharedIntegrations(source.content))) {
    checkIntegration(source, [...shared, name], integration, refuse);
  }
  checkTemplates(source, [], source.content, refuse);
}

// What all operations of a path lack is one mistake.
function checkParameters(source: OpenApiSource, path: string, refuse: Refuse): void {
  const all = operations(source.content).filter((operation) => operation.path === path);
  for (const [, name = ""] of path.matchAll(/\{([^}+]+)\+?\}/g)) {
    const lacking = all.filter((operation) => lacksParameter(source, operation, name));
    const places =
      lacking.length === all.length && all.length > 1
        ? [["paths", path]]
        : lacking.map(({ method }) => ["paths", path, method]);
    for (const place of places) {
      refuse(true, {
        field: source.at(place),
        value: lacking[0] && namesInPath(parametersOf(source, lacking[0])),
        allowed: `parameters that declare ${name} with in: path`,
        fix: `Add { name: ${name}, in: path, required: true, schema: { type: string } }`,
      });
    }
  }
}

// A parameter that lacks its name or its place is rejected for that.
function lacksParameter(
  source: OpenApiSource,
  operation: DocumentOperation,
  name: string,
): boolean {
  const parameters = parametersOf(source, operation);
  const isWhole = (parameter: Mapping) =>
    typeof parameter.name === "string" && PARAMETER_LOCATIONS.includes(String(parameter.in));
  return parameters.every(isWhole) && !namesInPath(parameters).includes(name);
}

function namesInPath(parameters: readonly Mapping[]): unknown[] {
  return parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
}

function parametersOf(source: OpenApiSource, { item, body }: DocumentOperation): Mapping[] {
  return [item.parameters, body.parameters]
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .map((parameter) => resolve(source.content, parameter));
}

function resolve(content: Mapping, value: unknown): Mapping {
  const reference = asMapping(value).$ref;
  const [, name] = String(reference).match(/^#\/components\/parameters\/(.+)$/) ?? [];
  const shared = asMapping(asMapping(content.components).parameters);
  return asMapping(name === undefined ? value : shared[name]);
}

function checkIntegration(
  source: OpenApiSource,
  path: string[],
  value: unknown,
  refuse: Refuse,
): void {
  const integration = asMapping(value);
  if ("$ref" in integration) return;
  const type = String(integration.type);
  const known = Object.hasOwn(REQUIRED_FIELDS, type);
  refuse(!known, {
    field: source.at([...path, "type"]),
    value: integration.type,
    allowed: Object.keys(REQUIRED_FIELDS).join(", "),
    fix: "Correct the type, or leave the integration out to use the container",
    source: INTEGRATIONS,
  });
  for (const field of known ? (REQUIRED_FIELDS[type] ?? []) : []) {
    refuse(!isScalar(integration[field]), {
      field: source.at([...path, field]),
      value: shown(integration[field]),
      allowed: `text or a number: ${type} needs ${field}`,
      fix: `Write it in quotes if it begins with a brace, like ${field}: "{file}"`,
    });
  }
  for (const field of ["container_id", "service_account_id"]) {
    refuse(integration[field] !== undefined && !isId(integration[field]), {
      field: source.at([...path, field]),
      value: shown(integration[field]),
      allowed: "an id of 20 lowercase letters and digits, or a variable such as ${var.id}",
      fix: "Leave it out: the stack fills in its own",
    });
  }
}

/** Paths that differ by nothing but the names of their parameters are one to the gateway. */
function checkShapes({ content, at }: OpenApiSource, refuse: Refuse): void {
  const seen = new Map<string, string>();
  for (const path of Object.keys(asMapping(content.paths))) {
    const shape = path.replace(/\{[^}]*?(\+?)\}/g, "{$1}");
    const other = seen.get(shape);
    refuse(other !== undefined, {
      field: at(["paths", path]),
      value: path,
      allowed: `paths that differ by more than the names of parameters, and there is ${other}`,
      fix: "Put the operations of both under one of them",
    });
    seen.set(shape, path);
  }
}

function refusesReferences({ content, at }: OpenApiSource, refuse: Refuse): boolean {
  const dangling = danglingReferences(content);
  for (const { path, value } of dangling) {
    refuse(true, {
      field: at(path),
      value,
      allowed: "references to what is in the file itself, like #/components/schemas/Order",
      fix: "Define it there, or correct the reference",
    });
  }
  return dangling.length > 0;
}

function checkTemplates(
  source: OpenApiSource,
  path: string[],
  value: unknown,
  refuse: Refuse,
): void {
  refuse(typeof value === "string" && value.includes("$${"), {
    field: source.at(path),
    value,
    allowed: "variables of the gateway as ${var.name}",
    fix: "Write one dollar sign: the stack protects the text from Terraform",
  });
  for (const [key, child] of typeof value === "object" ? Object.entries(value ?? {}) : []) {
    checkTemplates(source, [...path, key], child, refuse);
  }
}

function isScalar(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

function isId(value: unknown): boolean {
  return typeof value === "string" && (/^[a-z0-9]{20}$/.test(value) || value.includes("${"));
}

async function checkSchema(source: OpenApiSource, refuse: Refuse): Promise<void> {
  for (const { path, unknown, ...problem } of await schemaProblems(source.content)) {
    const value = unknown ?? shown(valueAt(source.content, path));
    refuse(true, { field: source.at(path), value, ...problem });
  }
}
