import { ServerlessContainer as Resource } from "@cdktf/provider-yandex/lib/serverless-container";
import { ServerlessContainerIamBinding } from "@cdktf/provider-yandex/lib/serverless-container-iam-binding";
import {
  dependable,
  Fn,
  type LocalExecProvisioner,
  Op,
  type Postcondition,
  propertyAccess,
  TerraformLocal,
  type TerraformResource,
  TerraformSelf,
  TerraformStack,
} from "cdktf";
import { Construct, type IConstruct } from "constructs";
import {
  checkContainerQuota,
  checkEnvironment,
  checkServerlessContainer,
  FINGERPRINT_KEY,
} from "./_container-checks.ts";
import { literal } from "./_literal.ts";
import { type Refuse, refuseAtSynth } from "./_refusal.ts";
import { dependOn, GRANT_LIFECYCLE, RoleMembers } from "./_rights.ts";
import type { LogGroup } from "./log-group.ts";
import type { SecretValue } from "./secret.ts";
import type { ServiceAccount } from "./service-account.ts";

const INVOKER_ROLE = "serverless-containers.containerInvoker";

/**
 * Seconds that the right to invoke is waited for after all else, since the container has to be there
 * first. Fewer than for other rights: nothing that Terraform does needs it, and the first calls may
 * be made again.
 */
const INVOKER_DELAY_SECONDS = 10;

// https://yandex.cloud/en/docs/serverless-containers/concepts/limits
const DEFAULT_CONTAINER_QUOTA = 10;

/** @see https://yandex.cloud/en/docs/serverless-containers/concepts/container */
export interface ServerlessContainerProps {
  /**
   * Unique in the folder: 3 to 63 lower-case letters, digits and hyphens, a letter first, no hyphen
   * last.
   */
  readonly name: string;
  /**
   * Image by digest: `cr.yandex/<registry id>/<repository>@sha256:<64 hex digits>`. Never by tag: a
   * tag that is pushed again would change nothing here and everything at the next cold start.
   */
  readonly image: string;
  /**
   * The account that pulls the image, reads the secrets and is what the code acts as. The container
   * waits for all its grants.
   */
  readonly account: ServiceAccount;
  /**
   * MiB for each instance, 128 to 8192 in steps of 128.
   *
   * @default 512
   */
  readonly memoryMib?: number;
  /**
   * Processors for each instance, 1 to 4.
   *
   * @default 1
   */
  readonly cores?: number;
  /**
   * Percent of a processor that is guaranteed, 5 to 100 in steps of 5; 100 with more than one core.
   *
   * @default 100
   */
  readonly coreFraction?: number;
  /**
   * Requests that one instance takes at a time, 1 to 16.
   *
   * @default 1
   */
  readonly concurrency?: number;
  /**
   * Seconds that a request may take, cold start included, 1 to 3600. After that the caller gets 504.
   *
   * @default 60
   */
  readonly timeoutSeconds?: number;
  /**
   * Replaces the image's entry point. Run as it stands: without a shell, without variables.
   *
   * @default - the image's own
   */
  readonly command?: readonly string[];
  /**
   * Replaces the arguments of the image.
   *
   * @default - the image's own
   */
  readonly args?: readonly string[];
  /**
   * Environment, readable to everybody who can see the container, the state or a plan. Keys are
   * letters, digits and underscores, a letter first; values at most 4096 characters. With the
   * secrets' values, and all names, at most 4096 bytes together.
   *
   * @default - `REVISION_FINGERPRINT` alone
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Values from Lockbox, by the name of the variable that shows them. The account is given the right
   * to read each. Taking away the last one is beyond the provider, which keeps it when the list gets
   * empty: replace the container (`-replace=<address>`) in the deploy that takes it away.
   *
   * @default - none
   */
  readonly secrets?: Readonly<Record<string, SecretValue>>;
  /**
   * Where the output goes.
   *
   * @default - the default group of the folder
   */
  readonly logGroup?: LogGroup;
  /**
   * Instances that are kept ready, 0 to 2 (the quota of a whole cloud). They are paid while idle.
   *
   * @default 0
   */
  readonly minInstances?: number;
  /**
   * VPC network that the container can reach. Cold starts get slower, and the network cannot be
   * deleted until up to a day after the last container left it.
   *
   * @default - the internet only
   */
  readonly networkId?: string;
  /**
   * Lets everybody invoke the container, without a token.
   *
   * @default false
   */
  readonly public?: boolean;
}

/**
 * A container that runs on requests, private unless said otherwise.
 *
 * The provider only warns when the cloud could not start a revision, and then takes the container
 * for up to date. Here such an apply fails: the first revision by a provisioner, which also marks
 * the container for replacement, and every later one because the active revision does not carry the
 * fingerprint of the wanted one. Either way the next plain apply tries again.
 *
 * A container that is replaced has a new id and URL: what knows it by id outside of Terraform (a
 * trigger made by a script) has to be told.
 *
 * @example
 * const web = new ServerlessContainer(this, "Web", { name: "shop-web", image, account });
 * web.addEnv("DEBUG", "0");
 */
export class ServerlessContainer extends Construct {
  /**
   * States how many containers the cloud has room for, for an app whose quota is not the usual 10.
   * It cannot know of containers that other apps made.
   *
   * @see https://yandex.cloud/en/docs/serverless-containers/concepts/limits
   */
  static limit(app: IConstruct, quota: number): void {
    quotas.set(app.node.root, quota);
  }

  readonly id: string;
  readonly url: string;
  readonly name: string;
  readonly image: string;
  readonly timeoutSeconds: number;
  /** Replaces the image's entry point; `undefined` for the image's own. */
  readonly command: readonly string[] | undefined;
  /** Hash of everything that makes a revision, as the active one shows it in its environment. */
  readonly fingerprint: string;

  private readonly props: ServerlessContainerProps;
  private readonly env: Record<string, string>;
  private readonly secrets: Record<string, SecretValue> = {};
  private readonly resource: Resource;
  private readonly revision: TerraformLocal;

  constructor(scope: Construct, id: string, props: ServerlessContainerProps) {
    super(scope, id);
    refuseAtSynth(this, (refuse) => this.check(refuse));
    this.props = props;
    this.name = props.name;
    this.image = props.image;
    this.timeoutSeconds = props.timeoutSeconds ?? 60;
    this.command = props.command?.map(literal);
    this.env = { ...props.env };
    this.revision = this.defineRevision();
    this.fingerprint = Fn.sha256(Fn.jsonencode(this.revision.expression));
    this.resource = this.defineContainer();
    this.id = this.resource.id;
    this.url = this.resource.url;
    for (const [key, value] of Object.entries(props.secrets ?? {})) this.addSecret(key, value);
    if (props.public) this.openToAll();
    this.render();
  }

  /** Adds an entry to the environment, or replaces it. */
  addEnv(key: string, value: string): void {
    this.env[key] = value;
    this.render();
  }

  /** Shows a value from Lockbox as a variable and lets the container's account read it. */
  addSecret(key: string, value: SecretValue): void {
    this.secrets[key] = value;
    value.grantRead(this.props.account);
    this.render();
  }

  /** `serverless-containers.containerInvoker` on this container alone. */
  grantInvoke(account: ServiceAccount): void {
    this.invokers().add(account);
  }

  /** Makes what calls the container come after the right to do so. */
  invokersPrecede(resource: TerraformResource): void {
    dependOn(resource, this.invokers().binding);
  }

  /** Instances that are kept ready. */
  get minInstances(): number {
    return this.props.minInstances ?? 0;
  }

  private defineRevision(): TerraformLocal {
    const revision = new TerraformLocal(this, "Revision", {});
    const container = TerraformStack.of(this).getLogicalId(this.node);
    revision.overrideLogicalId(`${container}_revision`);
    return revision;
  }

  private defineContainer(): Resource {
    const { account, logGroup, networkId, minInstances } = this.props;
    const resource = new Resource(this, "Resource", {
      ...renderInstance(this.props),
      name: this.name,
      serviceAccountId: account.id,
      image: { url: this.image },
      runtime: { type: "http" },
      connectivity: networkId === undefined ? undefined : { networkId },
      logOptions: logGroup && { logGroupId: logGroup.id },
      provisionPolicy: minInstances ? { minInstances } : undefined,
      provisioners: [failWithoutRevision(this.name)],
      lifecycle: { postcondition: [failOnOldRevision(this.name, this.fingerprint)] },
    });
    account.precedes(resource);
    return resource;
  }

  // Everything that can grow after construction.
  private render(): void {
    const image = {
      url: this.image,
      command: this.command && [...this.command],
      args: this.props.args?.map(literal),
    };
    const secrets = renderSecrets(this.secrets);
    this.revision.expression = this.renderRevision(image, secrets);
    this.resource.putImage({
      ...image,
      environment: { ...this.renderEnv(), [FINGERPRINT_KEY]: this.fingerprint },
    });
    if (secrets.length > 0) this.resource.putSecrets(secrets);
  }

  private renderRevision(image: object, secrets: readonly object[]): object {
    const { account, logGroup, networkId } = this.props;
    return {
      ...renderInstance(this.props),
      image,
      environment: this.renderEnv(),
      secrets,
      account: account.id,
      logGroup: logGroup?.id,
      minInstances: this.minInstances,
      network: networkId,
    };
  }

  private renderEnv(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.env).map(([key, value]) => [key, literal(value)]),
    );
  }

  private invokers(): RoleMembers {
    return RoleMembers.of(this, "Invokers", (scope, id, members) => {
      const lifecycle = {
        ...GRANT_LIFECYCLE,
        replaceTriggeredBy: [`${dependable(this.resource)}.id`],
      };
      return new ServerlessContainerIamBinding(scope, id, {
        containerId: this.id,
        role: INVOKER_ROLE,
        members,
        sleepAfter: INVOKER_DELAY_SECONDS,
        lifecycle,
      });
    });
  }

  private openToAll(): void {
    const invokers = this.invokers();
    invokers.addEverybody();
    // Where the binding stood when it was for everybody or did not exist.
    const { node } = new Construct(this, "Public");
    const before = TerraformStack.of(this).getLogicalId(node);
    invokers.binding.moveFromId(`${invokers.binding.terraformResourceType}.${before}`);
  }

  private check(refuse: Refuse): void {
    checkServerlessContainer(this.props, refuse);
    checkEnvironment(this.env, this.secrets, refuse);
    const all = this.node.root.node
      .findAll()
      .filter((construct) => construct instanceof ServerlessContainer);
    const quota = quotas.get(this.node.root) ?? DEFAULT_CONTAINER_QUOTA;
    checkContainerQuota(all, all.indexOf(this), quota, refuse);
  }
}

// How many containers the cloud of an app has room for, by the root of its tree.
const quotas = new WeakMap<IConstruct, number>();

function renderInstance(props: ServerlessContainerProps) {
  const { memoryMib = 512, cores = 1, coreFraction = 100, concurrency = 1 } = props;
  const executionTimeout = `${props.timeoutSeconds ?? 60}s`;
  return { memory: memoryMib, cores, coreFraction, concurrency, executionTimeout };
}

// The provider compares the list by position.
function renderSecrets(secrets: Readonly<Record<string, SecretValue>>) {
  return Object.entries(secrets)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([environmentVariable, { secretId, versionId, key }]) => ({
      id: secretId,
      versionId,
      key,
      environmentVariable,
    }));
}

const CAUSES =
  "Likely causes: the image is not in the registry (push it, then deploy its digest); the " +
  "container's account has no right to pull it or to read one of its secrets, or has had it for " +
  "only a few seconds; a version of a secret is destroyed or has no such entry; a quota is used " +
  "up. The provider's warning has the cloud's own words.";

/** The first revision: a container that has none is taken for complete by every later plan. */
function failWithoutRevision(name: string): LocalExecProvisioner {
  return {
    type: "local-exec",
    interpreter: ["sh", "-c"],
    command: '[ "$REVISION" != none ] || { echo "$MESSAGE" >&2; exit 1; }',
    environment: {
      REVISION: Fn.coalesce([TerraformSelf.getString("revision_id"), "none"]),
      MESSAGE:
        `The first revision of container ${name} did not start. ${CAUSES} Mend the cause and ` +
        "deploy again: the container is made anew, with a new id, so run `npm run trigger` after " +
        "a bare `cdktf deploy`.",
    },
  };
}

/** Later revisions: when one does not start, the provider reads the previous one back. */
function failOnOldRevision(name: string, fingerprint: string): Postcondition {
  const active = propertyAccess(TerraformSelf.getAny("image"), [0, "environment", FINGERPRINT_KEY]);
  return {
    condition: Op.eq(active, fingerprint),
    errorMessage:
      `The new revision of container ${name} did not start; the previous one still answers. ` +
      `${CAUSES} Mend the cause and deploy again.`,
  };
}
