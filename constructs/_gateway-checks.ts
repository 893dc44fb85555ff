import {
  asMapping,
  type Mapping,
  needsContainer,
  operations,
  pathsOf,
  type Route,
  shapeOf,
} from "./_gateway-spec.ts";
import { checkName } from "./_name.ts";
import { isKnown, mismatches, outside, type Refuse } from "./_refusal.ts";
import type { ApiGatewayProps, CorsOptions, GatewayVariable } from "./api-gateway.ts";

const LIMITS = "https://yandex.cloud/en/docs/api-gateway/concepts/limits, November 2026";
const CORS = "https://yandex.cloud/en/docs/api-gateway/concepts/extensions/cors, November 2026";
const MAX_SPEC_BYTES = 3_500_000;
const MAX_DOMAINS = 20;

/** A gateway as it is at the end of construction. */
export interface BuiltGateway {
  readonly props: ApiGatewayProps;
  readonly routes: readonly Route[];
  readonly domains: number;
  readonly spec: string;
}

/** What the cloud or the provider would refuse about a gateway. */
export function checkApiGateway({ props, routes, domains, spec }: BuiltGateway, refuse: Refuse) {
  checkSettings(props, refuse);
  checkDocument(props, refuse);
  checkRoutes(props.document?.content, routes, refuse);
  if (props.cors) checkCors(props.cors, refuse);
  checkVariables(props, refuse);
  refuse(domains > MAX_DOMAINS, {
    field: "domains",
    value: domains,
    allowed: `at most ${MAX_DOMAINS} to a gateway`,
    fix: "Move some of them to a second gateway",
    source: LIMITS,
  });
  const bytes = Buffer.byteLength(spec);
  refuse(bytes > MAX_SPEC_BYTES, {
    field: "document",
    value: `${bytes} bytes`,
    allowed: `a specification of at most ${MAX_SPEC_BYTES} bytes`,
    fix: "Shorten descriptions and examples",
  });
}

function checkSettings({ name, timeoutSeconds }: ApiGatewayProps, refuse: Refuse): void {
  checkName(name, "gateway", refuse);
  refuse(outside(timeoutSeconds, 1, 600), {
    field: "timeoutSeconds",
    value: timeoutSeconds,
    allowed: "1 to 600 whole seconds",
    fix: "Choose at most 10 minutes; what takes longer belongs into a task",
    source: LIMITS,
  });
}

function checkDocument({ document, container, cors }: ApiGatewayProps, refuse: Refuse): void {
  if (!document) return;
  for (const refusal of document.refusals) refuse(true, refusal);
  refuse(!container && needsContainer(document.content), {
    field: "container",
    value: container,
    allowed: `a container, because ${document.file} has operations that name none`,
    fix: "Pass the container that serves them",
  });
  const own = asMapping(document.content["x-yc-apigateway"]).cors;
  refuse(cors !== undefined && own !== undefined, {
    field: "cors",
    value: cors,
    allowed: `nothing, because ${document.file} has x-yc-apigateway.cors`,
    fix: "Keep one of the two",
  });
}

function checkRoutes(document: Mapping = {}, routes: readonly Route[], refuse: Refuse): void {
  refuse(routes.length + operations(document).length === 0, {
    field: "routes",
    value: [],
    allowed: "at least one",
    fix: 'Call addContainer("/", container)',
  });
  const seen = new Set(Object.keys(asMapping(document.paths)).map(shapeOf));
  for (const route of routes) {
    const shapes = pathsOf(route).map(shapeOf);
    refuse(
      shapes.some((shape) => seen.has(shape)),
      {
        field: "path",
        value: route.path,
        allowed: "each path once",
        fix: "Remove one of the two routes",
      },
    );
    for (const shape of shapes) seen.add(shape);
    checkRoute(route, refuse);
  }
}

function checkRoute({ path, below }: Route, refuse: Refuse): void {
  refuse(mismatches(path, /^(\/|(\/[\w.~-]+)+)$/), {
    field: "path",
    value: path,
    allowed: "/ or /segment/segment, of letters, digits and . _ ~ -",
    fix: "Write the path without parameters: everything below it is included",
  });
  const { bucket } = asMapping(below);
  refuse(typeof bucket === "string" && mismatches(withoutVariables(bucket), BUCKET), {
    field: "bucket",
    value: bucket,
    allowed: "3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends",
    fix: "Give the bucket's name, not its address",
  });
}

const BUCKET = /^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$/;

function withoutVariables(text: string): string {
  return text.replace(/\$\{var\.\w+\}/g, "var");
}

function checkCors(cors: CorsOptions, refuse: Refuse): void {
  refuse(cors.credentials === true && cors.origins === "*", {
    field: "cors.origins",
    value: cors.origins,
    allowed: "no * together with credentials: browsers refuse it",
    fix: "Name the origins, or write true",
  });
  refuse(Array.isArray(cors.origins) && cors.origins.length === 0, {
    field: "cors.origins",
    value: cors.origins,
    allowed: "at least one origin",
    fix: "Name one, or leave cors out",
  });
  for (const origin of Array.isArray(cors.origins) ? cors.origins : []) {
    refuse(mismatches(origin, /^https?:\/\/[a-z0-9.-]+(:\d+)?$/), {
      field: "cors.origins",
      value: origin,
      allowed: "scheme, host and perhaps port, without a path",
      fix: "Write it like https://shop.example.com",
    });
  }
  checkCorsLists(cors, refuse);
  refuse(outside(cors.maxAgeSeconds, 0, 86_400), {
    field: "cors.maxAgeSeconds",
    value: cors.maxAgeSeconds,
    allowed: "0 to 86400 whole seconds",
    fix: "Choose at most a day: no browser keeps the answer longer",
  });
}

function checkCorsLists({ methods, allowedHeaders, exposedHeaders }: CorsOptions, refuse: Refuse) {
  for (const method of methods ?? []) {
    refuse(mismatches(method, /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE)$/), {
      field: "cors.methods",
      value: method,
      allowed: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE",
      fix: "Write one method an entry, in capitals",
      source: CORS,
    });
  }
  for (const header of [...(allowedHeaders ?? []), ...(exposedHeaders ?? [])]) {
    refuse(mismatches(header, /^(\*|[\w!#$%&'+.^`|~-]+)$/), {
      field: "cors headers",
      value: header,
      allowed: "the name of a header, or *",
      fix: "Write one name an entry, without a colon",
    });
  }
}

function checkVariables({ document, variables = {}, canary }: ApiGatewayProps, refuse: Refuse) {
  const { weight = 0, variables: canaryVariables = {} } = canary ?? {};
  refuse(outside(weight, 0, 99), {
    field: "canary.weight",
    value: weight,
    allowed: "0 to 99 whole percent",
    fix: "Choose a share below 100, or change the variables themselves",
  });
  refuse(weight > 0 && Object.keys(canaryVariables).length === 0, {
    field: "canary.variables",
    value: canaryVariables,
    allowed: "at least one: without any there is no canary",
    fix: "Give the variables that the canary changes, or remove it",
  });
  const declared = document
    ? asMapping(asMapping(document.content["x-yc-apigateway"]).variables)
    : variables;
  const groups = { variables, "canary.variables": canaryVariables };
  for (const [group, values] of Object.entries(groups)) {
    for (const [name, value] of Object.entries(values)) {
      checkVariable(`${group}.${name}`, value, refuse);
      refuse(!(name in declared), {
        field: `${group}.${name}`,
        value,
        allowed: Object.keys(declared).join(", ") || "no variable, because none is declared",
        fix: document
          ? `Declare it in x-yc-apigateway.variables of ${document.file}`
          : "Give the gateway's variables the same name",
      });
    }
  }
}

function checkVariable(field: string, value: GatewayVariable, refuse: Refuse): void {
  refuse(mismatches(field, /\.[A-Za-z_][\w-]*$/), {
    field,
    value,
    allowed: "names of letters, digits, _ and -, a letter or _ first",
    fix: "Rename the variable",
  });
  const primitive = ["string", "number", "boolean"].includes(typeof value);
  refuse(!primitive, {
    field,
    value,
    allowed: "text, a number, true or false",
    fix: "Split it into several variables",
  });
  const text = String(value);
  refuse(primitive && isKnown(text) && printed(text) !== text, {
    field,
    value,
    allowed: "text as the provider prints it after it took it for a number or for true or false",
    fix: `Write ${JSON.stringify(printed(text))}, or a text that cannot be taken for either`,
  });
}

/** How the provider prints a variable that it read: whole number first, then number, then boolean. */
function printed(text: string): string {
  if (/^[+-]?\d+$/.test(text) && isInt64(text)) return String(BigInt(text.replace("+", "")));
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return String(Number(text));
  if (/^[+-]?(inf|infinity)$/i.test(text)) return text.startsWith("-") ? "-Inf" : "+Inf";
  if (/^[+-]?nan$/i.test(text)) return "NaN";
  if (/^(t|true)$/i.test(text)) return "true";
  if (/^(f|false)$/i.test(text)) return "false";
  return text;
}

function isInt64(text: string): boolean {
  const value = BigInt(text.replace("+", ""));
  return BigInt.asIntN(64, value) === value;
}
