import type { IResolvable } from "cdktf";
import { needsContainer, operations, pathsOf, type Route, shapeOf } from "./_gateway-spec.ts";
import { asMapping, type Mapping } from "./_mapping.ts";
import { checkName, type NamedProps } from "./_name.ts";
import { mismatches, type Refuse } from "./_refusal.ts";
import type { LogGroup } from "./log-group.ts";
import type { OpenApiDocument } from "./open-api.ts";
import type { ServerlessContainer } from "./serverless-container.ts";
import type { ServiceAccount } from "./service-account.ts";

const LIMITS = "https://yandex.cloud/en/docs/api-gateway/concepts/limits, November 2026";
const MAX_SPEC_BYTES = 3_500_000;
const MAX_DOMAINS = 20;

/**
 * Props of {@link ApiGateway}.
 *
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/
 */
export interface ApiGatewayProps extends NamedProps {
  /** What the gateway acts as. It gets the right to invoke each container it routes to. */
  readonly account: ServiceAccount;
  /**
   * The user's own document, from `loadOpenApi`. Routes may be added to it.
   *
   * @default - nothing but the routes that are added
   */
  readonly document?: OpenApiDocument;
  /**
   * Serves the operations of the document that name no container. An operation that writes a
   * `container_id` of its own needs its account's right to invoke granted elsewhere.
   *
   * @default - none; rejected when the document needs it
   */
  readonly container?: ServerlessContainer;
  /** @default - the default log group of the folder */
  readonly logGroup?: LogGroup;
}

/** A host name of the gateway's own, and the certificate for it. */
export interface AttachDomainOptions {
  readonly fqdn: string;
  readonly certificateId: string;
  /** Whether the certificate can be used by now, as an expression that the plan can know. */
  readonly when: IResolvable;
}

/** A gateway as it is at the end of construction. */
export interface BuiltGateway {
  readonly props: ApiGatewayProps;
  readonly routes: readonly Route[];
  readonly domains: number;
  readonly spec: string;
}

/** What Yandex Cloud or the provider would reject about a gateway. */
export function checkApiGateway({ props, routes, domains, spec }: BuiltGateway, refuse: Refuse) {
  checkName(props.name, "gateway", refuse);
  checkDocument(props, refuse);
  checkRoutes(props.document?.content, routes, refuse);
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

function checkDocument({ document, container }: ApiGatewayProps, refuse: Refuse): void {
  if (!document) return;
  for (const refusal of document.refusals) refuse(true, refusal);
  refuse(!container && needsContainer(document.content), {
    field: "container",
    value: container,
    allowed: `a container, because ${document.file} has operations that name none`,
    fix: "Pass the container that serves them",
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
  refuse(typeof bucket === "string" && mismatches(bucket, BUCKET), {
    field: "bucket",
    value: bucket,
    allowed: "3 to 63 lowercase letters, digits, dots and hyphens, a letter or digit at both ends",
    fix: "Give the bucket's name, not its address",
  });
}

const BUCKET = /^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$/;
