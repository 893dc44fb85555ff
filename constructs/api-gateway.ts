import { ApiGateway as Resource } from "@cdktf/provider-yandex/lib/api-gateway";
import { Fn, type IResolvable, Lazy, Op } from "cdktf";
import { Construct } from "constructs";
import { ANY_METHOD, needsContainer, type Route, renderSpec } from "./_gateway-spec.ts";
import type { Mapping } from "./_mapping.ts";
import { type Refuse, refuseAtSynth } from "./_refusal.ts";
import { CreationTime } from "./_terraform-data.ts";
import {
  type ApiGatewayProps,
  type AttachDomainOptions,
  checkApiGateway,
} from "./api-gateway-props.ts";
import type { ServerlessContainer } from "./serverless-container.ts";

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
 * gateway.addStaticFiles("/static", "shop-static");
 */
export class ApiGateway extends Construct {
  readonly id: string;
  readonly name: string;
  /** The folder that it is in. */
  readonly folderId: string;
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
    this.resource = new Resource(this, "Resource", {
      name: props.name,
      spec,
      // The provider loses a folder given in place of a group.
      logOptions: props.logGroup && { logGroupId: props.logGroup.id },
    });
    this.id = this.resource.id;
    this.name = props.name;
    this.folderId = this.resource.folderId;
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
  addStaticFiles(path: string, bucket: string): void {
    this.props.account.grantOnFolder("storage.viewer");
    this.routes.push({
      path: withoutSlash(path),
      method: "get",
      parameter: "file",
      below: {
        type: "object_storage",
        bucket,
        object: "{file}",
        service_account_id: this.props.account.id,
      },
    });
  }

  /**
   * Attaches a host name, in every apply but the one that creates the gateway: a gateway that was created
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
    const { name, account, container, document } = this.props;
    return renderSpec({
      title: name,
      document: document?.content,
      routes: this.routes,
      containerId: container?.id,
      accountId: account.id,
    });
  }

  private check(refuse: Refuse): void {
    const { props, routes, domains } = this;
    checkApiGateway({ props, routes, domains: domains.length, spec: this.spec() }, refuse);
  }
}

function withoutSlash(path: string): string {
  return path === "/" ? path : path.replace(/\/$/, "");
}
