import { type Document, LineCounter, parseDocument } from "yaml";
import { tryReadFile } from "./_files.ts";
import {
  asMapping,
  isMapping,
  type Mapping,
  type Operation,
  operations,
  sharedIntegrations,
} from "./_gateway-spec.ts";
import { danglingReferences } from "./_open-api-references.ts";
import { PARAMETER_LOCATIONS as LOCATIONS, schemaProblems, valueAt } from "./_open-api-schema.ts";
import type { Refusal, Refuse } from "./_refusal.ts";

/** The user's own description of a gateway, with all that is wrong about it. */
export interface OpenApiDocument {
  /** Path of the file, as it was given. */
  readonly file: string;
  readonly content: Mapping;
  /** Refused together with everything else when the gateway's stack is synthesized. */
  readonly refusals: readonly Refusal[];
}

/**
 * Reads an OpenAPI 3.0 file (YAML or JSON) with Yandex's extensions, for `ApiGateway`.
 *
 * What the file leaves out is filled in by the gateway: an operation without an integration goes to
 * the gateway's container (so the schema that a Django project generates works as it is), and
 * integrations of type `serverless_containers` without `container_id` or `service_account_id` get
 * the gateway's. What the file states is kept. Variables of the gateway are written `${var.name}`.
 *
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/extensions/
 */
export async function loadOpenApi(file: string): Promise<OpenApiDocument> {
  const refusals: Refusal[] = [];
  const refuse: Refuse = (when, refusal) => {
    if (when) refusals.push(refusal);
  };
  const source = parseSource(file, refuse);
  const content = source?.content ?? {};
  if (source && checkVersion(source, refuse)) {
    checkOperations(source, refuse);
    checkShapes(source, refuse);
    // A validator that cannot follow a reference says nothing else.
    if (!refusesReferences(source, refuse)) await checkSchema(source, refuse);
  }
  return { file, content, refusals };
}

/** A parsed file that knows on which line each of its values stands. */
interface Source {
  readonly content: Mapping;
  /** `<file>:<line> #/<pointer>` of a value, or of what would hold it. */
  at(path: readonly string[]): string;
}

function parseSource(file: string, refuse: Refuse): Source | undefined {
  const text = readText(file, refuse);
  if (text === undefined) return undefined;
  const lines = new LineCounter();
  const options = { lineCounter: lines, merge: true, prettyErrors: false };
  const document: Document.Parsed = parseDocument(text, options);
  for (const { pos, message } of document.errors) {
    const { line } = lines.linePos(pos[0]);
    refuse(true, {
      field: `${file}:${line}`,
      value: shorten(text.split("\n")[line - 1]?.trim()),
      allowed: `YAML 1.2 or JSON (${message})`,
      fix: "Correct the line, or put its text in quotes",
    });
  }
  if (document.errors.length > 0) return undefined;
  const content = toPlain(document, file, refuse);
  if (content === undefined) return undefined;
  refuse(!isMapping(content), {
    field: file,
    value: shown(content),
    allowed: "a mapping that starts with openapi",
    fix: 'Begin the file with openapi: "3.0.3"',
  });
  return isMapping(content)
    ? { content, at: (path) => `${file}:${lineOf(document, lines, path)} ${pointer(path)}` }
    : undefined;
}

/** The file's values, unless its aliases stand for more than anybody could have written. */
function toPlain(document: Document.Parsed, file: string, refuse: Refuse): unknown {
  try {
    const content: unknown = document.toJS();
    // What contains itself, or is nested too deep, stops here instead of everywhere else.
    JSON.stringify(content);
    return content ?? null;
  } catch (error) {
    refuse(true, refusedAsWhole(file, error));
    return undefined;
  }
}

function refusedAsWhole(file: string, error: unknown): Refusal {
  const [reason] = String(error instanceof Error ? error.message : error).split("\n");
  return {
    field: file,
    value: "a text that cannot be read to its end",
    allowed: `aliases (*name) that can be written out, and few levels (${reason})`,
    fix: "Write out what the aliases stand for; none may stand for what holds it",
  };
}

function readText(file: string, refuse: Refuse): string | undefined {
  const text = tryReadFile(file);
  refuse(text === undefined, {
    field: "openapi",
    value: file,
    allowed: "a file that can be read",
    fix: "Give its path relative to the project",
  });
  return text;
}

function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly string[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: number[] } | undefined;
    if (node?.range) return lines.linePos(node.range[0] ?? 0).line;
  }
  return 1;
}

function pointer(path: readonly string[]): string {
  return `#${path.map((part) => `/${part.replace(/~/g, "~0").replace(/\//g, "~1")}`).join("")}`;
}

function checkVersion({ content, at }: Source, refuse: Refuse): boolean {
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

const MAX_SHOWN = 120;

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

function checkOperations(source: Source, refuse: Refuse): void {
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
    const key = "x-yc-apigateway-integration";
    if (key in body) checkIntegration(source, ["paths", path, method, key], body[key], refuse);
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
function checkParameters(source: Source, path: string, refuse: Refuse): void {
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

// A parameter that lacks its name or its place is refused for that.
function lacksParameter(source: Source, operation: Operation, name: string): boolean {
  const parameters = parametersOf(source, operation);
  const isWhole = (parameter: Mapping) =>
    typeof parameter.name === "string" && LOCATIONS.includes(String(parameter.in));
  return parameters.every(isWhole) && !namesInPath(parameters).includes(name);
}

function namesInPath(parameters: readonly Mapping[]): unknown[] {
  return parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
}

function parametersOf(source: Source, { item, body }: Operation): Mapping[] {
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

function checkIntegration(source: Source, path: string[], value: unknown, refuse: Refuse): void {
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
      allowed: "an id of 20 lower-case letters and digits, or a variable such as ${var.id}",
      fix: "Leave it out: the stack fills in its own",
    });
  }
}

/** Paths that differ by nothing but the names of their parameters are one to the gateway. */
function checkShapes({ content, at }: Source, refuse: Refuse): void {
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

function refusesReferences({ content, at }: Source, refuse: Refuse): boolean {
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

function checkTemplates(source: Source, path: string[], value: unknown, refuse: Refuse): void {
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

function shorten(line = ""): string {
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
}

/** Short text for a value in a message. */
function shown(value: unknown): unknown {
  if (Array.isArray(value)) return "a list";
  return isMapping(value) ? "a mapping" : value;
}

async function checkSchema(source: Source, refuse: Refuse): Promise<void> {
  for (const { path, unknown, ...problem } of await schemaProblems(source.content)) {
    const value = unknown ?? shown(valueAt(source.content, path));
    refuse(true, { field: source.at(path), value, ...problem });
  }
}
