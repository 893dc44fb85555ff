import {
  ApiGateway as Resource,
  type ApiGatewayConfig as ResourceConfig,
} from "@cdktf/provider-yandex/lib/api-gateway";
import { Fn, type IResolvable, Lazy, Op } from "cdktf";
import { Construct } from "constructs";
import { checkApiGateway } from "./_gateway-checks.ts";
import {
  ANY_METHOD,
  type Mapping,
  needsContainer,
  type Route,
  renderSpec,
} from "./_gateway-spec.ts";
import { type Refuse, refuseAtSynth } from "./_refusal.ts";
import { CreationTime } from "./_terraform-data.ts";
import type { LogGroup } from "./log-group.ts";
import type { OpenApiDocument } from "./open-api.ts";
import type { ServerlessContainer } from "./serverless-container.ts";
import type { ServiceAccount } from "./service-account.ts";

/** A value that the specification can refer to as `${var.<name>}`. */
export type GatewayVariable = string | number | boolean;

/**
 * Answers to preflight requests of browsers, for every path of the gateway.
 *
 * @see https://yandex.cloud/en/docs/api-gateway/concepts/extensions/cors
 */
export interface CorsOptions {
  /**
   * Who may read answers: `"*"`, origins such as `https://shop.example.com`, or `true` for whoever
   * asks (the origin of the request is sent back). A list is sent back as it stands, and browsers
   * take one origin only: prefer a single one.
   */
  readonly origins: "*" | true | readonly string[];
  /** @default - every method */
  readonly methods?: readonly string[];
  /** Request headers that a browser may send. @default - the ones that need no permission */
  readonly allowedHeaders?: readonly string[];
  /** Response headers that a script may read. @default - the ones that need no permission */
  readonly exposedHeaders?: readonly string[];
  /** Whether cookies are sent along. Not with `"*"`. @default false */
  readonly credentials?: boolean;
  /** Seconds that a browser keeps the answer, 0 to 86400. @default - the browser decides */
  readonly maxAgeSeconds?: number;
}

/** A share of the requests that sees other values of the variables. */
export interface CanaryOptions {
  /** Percent of the requests, 0 to 99. At 0 there is no canary. */
  readonly weight: number;
  /** At least one, each also in the gateway's `variables` or declared by the document. */
  readonly variables: Readonly<Record<string, GatewayVariable>>;
}

/** @see https://yandex.cloud/en/docs/api-gateway/concepts/ */
export interface ApiGatewayProps {
  /**
   * Unique in the folder: 3 to 63 lower-case letters, digits and hyphens, a letter first, no hyphen
   * last.
   */
  readonly name: string;
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
   * @default - none; refused when the document needs it
   */
  readonly container?: ServerlessContainer;
  /** @default - no answers to preflight requests; they reach the container */
  readonly cors?: CorsOptions;
  /**
   * Values of the specification's variables. Text that looks like another type is written as the
   * provider would print it: "1", not "1.0"; "true", not "T".
   *
   * @default - none
   */
  readonly variables?: Readonly<Record<string, GatewayVariable>>;
  /** @default - all requests see the same variables */
  readonly canary?: CanaryOptions;
  /** Seconds until the gateway gives up on a request, 1 to 600. @default 300 */
  readonly timeoutSeconds?: number;
  /** @default - the default log group of the folder */
  readonly logGroup?: LogGroup;
  /** Network whose private addresses the gateway can reach. @default - public ones only */
  readonly networkId?: string;
}

/** Objects of a bucket as files below a path. */
export interface StaticFilesOptions {
  readonly bucket: string;
  /** What stands before the file's name in the object's key, e.g. "static/". @default "" */
  readonly prefix?: string;
  /** Key of the object at the path itself, e.g. "index.html". @default - not served */
  readonly index?: string;
  /** Key of the object that answers instead of an error 4xx. @default - the error itself */
  readonly errorObject?: string;
}

/** A host name of the gateway's own, and the certificate for it. */
export interface AttachDomainOptions {
  readonly fqdn: string;
  readonly certificateId: string;
  /** Whether the certificate can be used by now, as an expression that the plan can know. */
  readonly when: IResolvable;
}

/**
 * The public entrance: routes of the internet to containers that nobody else may call, and to files
 * in buckets.
 *
 * The gateway passes a request's path on unchanged and keeps the host that the visitor typed. It
 * matches paths with and without a slash at their end alike. A request and a response may have
 * 2.5 MB each; larger files have to be fetched from the bucket directly.
 *
 * @example
 * const gateway = new ApiGateway(this, "Gateway", { name: "shop", account });
 * gateway.addContainer("/", web);
 * gateway.addStaticFiles("/static", { bucket: "shop-static" });
 */
export class ApiGateway extends Construct {
  readonly id: string;
  /** The gateway's first host name, `<id>.apigw.yandexcloud.net`. */
  readonly domain: string;

  private readonly props: ApiGatewayProps;
  private readonly resource: Resource;
  private readonly routes: Route[] = [];
  private readonly containers: ServerlessContainer[] = [];
  private readonly domains: Mapping[] = [];
  private creation?: CreationTime;

  constructor(scope: Construct, id: string, props: ApiGatewayProps) {
    super(scope, id);
    refuseAtSynth(this, (refuse) => this.check(refuse));
    this.props = props;
    const spec = Lazy.stringValue({ produce: () => this.spec() });
    this.resource = new Resource(this, "Resource", renderGateway(props, spec));
    this.id = this.resource.id;
    this.domain = this.resource.domain;
    props.account.precedes(this.resource);
    if (props.container && needsContainer(props.document?.content ?? {})) {
      this.reach(props.container);
    }
  }

  /** Hands a path and everything below it to a container, whatever the method. */
  addContainer(path: string, container: ServerlessContainer): void {
    this.reach(container);
    this.addRoute(path, {
      type: "serverless_containers",
      container_id: container.id,
      service_account_id: this.props.account.id,
    });
  }

  /** Answers 404 at a path and at everything below it, whatever the method. */
  addNotFound(path: string): void {
    this.addRoute(path, {
      type: "dummy",
      http_code: 404,
      http_headers: { "Content-Type": "text/plain" },
      content: { "*": "Not Found" },
    });
  }

  /** Serves a bucket's objects below a path. The account may then read the folder's buckets. */
  addStaticFiles(path: string, options: StaticFilesOptions): void {
    const { bucket, prefix = "", index, errorObject } = options;
    this.props.account.grantOnFolder("storage.viewer");
    const serve = (object: string) => ({
      type: "object_storage",
      bucket,
      object,
      ...(errorObject !== undefined && { error_object: errorObject }),
      service_account_id: this.props.account.id,
    });
    this.routes.push({
      path: withoutSlash(path),
      method: "get",
      parameter: "file",
      at: index === undefined ? undefined : serve(index),
      below: serve(`${prefix}{file}`),
    });
  }

  /**
   * Attaches a host name, in every apply but the one that makes the gateway: a gateway that was made
   * with a domain that cannot be attached is destroyed by the next apply, and its first host name
   * is gone. Says whether this apply attaches it.
   */
  attachDomain({ fqdn, certificateId, when }: AttachDomainOptions): IResolvable {
    const attached = Op.and(when, Op.neq(this.creationTime(), Fn.plantimestamp()));
    this.domains.push({
      for_each: Fn.conditional(attached, [fqdn], []),
      content: { fqdn: "${custom_domains.value}", certificate_id: certificateId },
    });
    this.resource.addOverride("dynamic.custom_domains", this.domains);
    return attached;
  }

  private reach(container: ServerlessContainer): void {
    container.grantInvoke(this.props.account);
    container.invokersPrecede(this.resource);
    this.containers.push(container);
    if (this.creation) container.invokersPrecede(this.creation);
  }

  /** Noted after all that the gateway waits for, so that what fails before it leaves no trace. */
  private creationTime(): string {
    if (!this.creation) {
      this.creation = new CreationTime(this, "Creation");
      this.props.account.precedes(this.creation);
      for (const container of this.containers) container.invokersPrecede(this.creation);
    }
    return this.creation.value;
  }

  private addRoute(path: string, integration: Mapping): void {
    this.routes.push({
      path: withoutSlash(path),
      method: ANY_METHOD,
      parameter: "proxy",
      at: integration,
      below: integration,
    });
  }

  private spec(): string {
    const { name, account, container, document, cors, variables } = this.props;
    return renderSpec({
      title: name,
      document: document?.content,
      routes: this.routes,
      cors: cors && renderCors(cors),
      variables,
      containerId: container?.id,
      accountId: account.id,
    });
  }

  private check(refuse: Refuse): void {
    const { props, routes, domains } = this;
    checkApiGateway({ props, routes, domains: domains.length, spec: this.spec() }, refuse);
  }
}

function renderGateway(props: ApiGatewayProps, spec: string): ResourceConfig {
  const { name, variables = {}, canary, timeoutSeconds, logGroup, networkId } = props;
  return {
    name,
    spec,
    variables: renderVariables(variables),
    canary: canary && renderCanary(canary),
    executionTimeout: timeoutSeconds === undefined ? undefined : String(timeoutSeconds),
    // The provider loses a folder given in place of a group.
    logOptions: logGroup && { logGroupId: logGroup.id },
    connectivity: networkId === undefined ? undefined : { networkId },
  };
}

// What the provider does not send it cannot read back either, so it must not be written.
function renderCanary({ weight, variables }: CanaryOptions): ResourceConfig["canary"] {
  const rendered = renderVariables(variables);
  return weight > 0 && rendered ? { weight, variables: rendered } : undefined;
}

function renderVariables(
  variables: Readonly<Record<string, GatewayVariable>>,
): Record<string, string> | undefined {
  const entries = Object.entries(variables).map(([name, value]) => [name, String(value)]);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function renderCors(cors: CorsOptions): Mapping {
  return {
    origin: cors.origins,
    methods: cors.methods ?? "*",
    allowedHeaders: cors.allowedHeaders,
    exposedHeaders: cors.exposedHeaders,
    credentials: cors.credentials,
    maxAge: cors.maxAgeSeconds,
  };
}

function withoutSlash(path: string): string {
  return path === "/" ? path : path.replace(/\/$/, "");
}
