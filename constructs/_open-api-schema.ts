import { ANY_METHOD, INTEGRATION, operations } from "./_gateway-spec.ts";
import { asMapping, fromPointer, type Mapping, valueAt } from "./_mapping.ts";

/** Something in a document that OpenAPI 3.0 does not allow. */
interface SchemaProblem {
  /** Keys from the top of the document. */
  readonly path: readonly string[];
  readonly allowed: string;
  readonly fix: string;
  /** The name of a field that OpenAPI does not have; a newer gateway may. */
  readonly unknown?: string;
  readonly source?: string;
}

const OPENAPI = "https://spec.openapis.org/oas/v3.0.4, November 2026";
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/** Where OpenAPI 3.0 lets a parameter be. */
export const PARAMETER_LOCATIONS: readonly string[] = ["path", "query", "header", "cookie"];

/** The part of the schema that tells what a way of logging in consists of, by its type. */
const SECURITY_SCHEMES: Readonly<Record<string, string>> = {
  apiKey: "APIKeySecurityScheme",
  http: "HTTPSecurityScheme",
  oauth2: "OAuth2SecurityScheme",
  openIdConnect: "OpenIdConnectSecurityScheme",
};

/** All that OpenAPI 3.0 does not allow, Yandex's extensions left out of account. */
export async function schemaProblems(content: Mapping): Promise<SchemaProblem[]> {
  // Loading the validator takes as long as the rest of a synth, and few projects have a file.
  const { Validator } = await import("@seriousme/openapi-schema-validator");
  const { document, standIns } = toStandard(content);
  const { errors = [] } = await new Validator({ allErrors: true }).validate(document);
  if (typeof errors === "string") return [unresolved(errors)];
  return readable(document, errors).map((problem) => {
    const [top, path = "", method] = problem.path;
    const standsIn = top === "paths" && method !== undefined && standIns.get(path) === method;
    return standsIn ? { ...problem, path: problem.path.with(2, ANY_METHOD) } : problem;
  });
}

function unresolved(message: string): SchemaProblem {
  return {
    path: [],
    allowed: `references to what is in the file itself (${message})`,
    fix: "Define it under components, or correct the reference",
  };
}

/**
 * A copy that a validator of plain OpenAPI 3.0 understands: "any method" under a method of its own
 * (`standIns`, by path), and without what the gateway does not ask for.
 */
function toStandard(content: Mapping): { document: Mapping; standIns: Map<string, string> } {
  const document = structuredClone(content);
  const standIns = new Map<string, string>();
  for (const { path, method, item, body } of operations(document)) {
    delete body[INTEGRATION];
    body.responses ??= { default: { description: "" } };
    for (const parameter of pathParameters(item, body)) parameter.required = true;
    const free = METHODS.find((name) => !(name in item));
    if (method === ANY_METHOD && free) {
      item[free] = body;
      standIns.set(path, free);
    }
  }
  delete asMapping(document.components)["x-yc-apigateway-integrations"];
  return { document, standIns };
}

function pathParameters(...holders: readonly Mapping[]): Mapping[] {
  return holders
    .flatMap(({ parameters }) => (Array.isArray(parameters) ? parameters : []))
    .map(asMapping)
    .filter((parameter) => parameter.in === "path");
}

interface SchemaError {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly message?: string;
  readonly params: Mapping;
}

/** One problem for each place, without those of the alternatives that were not meant. */
function readable(document: Mapping, errors: readonly SchemaError[]): SchemaProblem[] {
  const meant = errors
    .filter((error) => !isAlternative(document, error))
    .filter((error, _, all) => !isConsequence(error, all));
  const problems = new Map<string, SchemaProblem>();
  for (const error of meant.length > 0 ? meant : errors) {
    const { instancePath, keyword, params } = error;
    const name = params.missingProperty ?? params.additionalProperty ?? "";
    problems.set(`${instancePath} ${keyword} ${name}`, describe(error));
  }
  return [...problems.values()];
}

/** Whether an error only says what the value would lack if it were something else. */
function isAlternative(document: Mapping, error: SchemaError): boolean {
  const { keyword, params } = error;
  const path = fromPointer(error.instancePath);
  if (keyword === "oneOf" || params.missingProperty === "$ref") return true;
  if (path[1] === "securitySchemes" && path.length >= 3) return isOtherScheme(document, error);
  const isLocation = (value: unknown) => PARAMETER_LOCATIONS.includes(String(value));
  if (path.at(-2) !== "parameters" && path.at(-3) !== "parameters") return false;
  if (path.at(-1) === "in") return isLocation(valueAt(document, path));
  return params.missingProperty === "required" && asMapping(valueAt(document, path)).in !== "path";
}

// Of a type that is none, one of the complaints about the type itself is left.
function isOtherScheme(document: Mapping, error: SchemaError): boolean {
  const { schemaPath, instancePath, params } = error;
  const { type } = asMapping(valueAt(document, fromPointer(error.instancePath).slice(0, 3)));
  const meant = SECURITY_SCHEMES[String(type)];
  if (meant !== undefined) return !schemaPath.includes(`/${meant}/`);
  const isOfType = instancePath.endsWith("/type") || params.missingProperty === "type";
  return !(isOfType && schemaPath.includes(`/${SECURITY_SCHEMES.apiKey}/`));
}

/** Whether an error only follows from another one at its place. */
function isConsequence(error: SchemaError, all: readonly SchemaError[]): boolean {
  const missing = error.params.missingProperty;
  if (missing !== "content" && missing !== "schema") return false;
  const here = all.filter(({ instancePath }) => instancePath === error.instancePath);
  const isMisspelt = here.some(({ keyword }) => keyword === "additionalProperties");
  const hasOther = here.some(({ params }) => params.missingProperty === "schema");
  return isMisspelt || (missing === "content" && hasOther);
}

function describe(error: SchemaError): SchemaProblem {
  const { keyword, params, message = keyword } = error;
  const path = fromPointer(error.instancePath);
  if (path.at(-1) === "in") {
    const fix = "Correct the place of the parameter";
    return { path, allowed: `one of ${PARAMETER_LOCATIONS.join(", ")}`, fix };
  }
  if (keyword === "enum" && path[1] === "securitySchemes") {
    const types = Object.keys(SECURITY_SCHEMES).join(", ");
    return { path, allowed: `one of ${types}`, fix: "Correct the type" };
  }
  if (keyword === "not" && path.at(-2) === "parameters") {
    return { path, allowed: "schema or content, not both", fix: "Keep one of the two" };
  }
  const allowed = `OpenAPI 3.0: ${message}`;
  if (keyword === "required") return { path, allowed, fix: `Add ${params.missingProperty}` };
  if (keyword === "additionalProperties") {
    const unknown = String(params.additionalProperty);
    const fix = `Remove ${unknown}, or correct its name`;
    return { path, allowed: `${allowed}: ${unknown}`, fix, unknown, source: OPENAPI };
  }
  const quotes = keyword === "type" && params.type === "string";
  return { path, allowed, fix: quotes ? "Put it in quotes" : "Correct it" };
}
