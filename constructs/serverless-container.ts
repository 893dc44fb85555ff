import { ServerlessContainer as Resource } from "@cdktf/provider-yandex/lib/serverless-container";
import { ServerlessContainerIamBinding } from "@cdktf/provider-yandex/lib/serverless-container-iam-binding";
import { dependable, Fn, TerraformLocal, type TerraformResource, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { checkEnvironment, FINGERPRINT_KEY } from "./_container-environment.ts";
import { dependOn, GRANT_LIFECYCLE, RoleMembers } from "./_grants.ts";
import { literal } from "./_literal.ts";
import { checkInstances, checkQuota } from "./_quotas.ts";
import { type Refuse, refuseAtSynth } from "./_refusal.ts";
import { failOnOldRevision, failWithoutRevision } from "./_revision-failure.ts";
import type { SecretValue } from "./secret.ts";
import {
  checkServerlessContainer,
  type ServerlessContainerProps,
} from "./serverless-container-props.ts";
import type { ServiceAccount } from "./service-account.ts";

const INVOKER_ROLE = "serverless-containers.containerInvoker";

/**
 * Seconds that the right to invoke is waited for after all else, since the container has to be there
 * first. Fewer than for other roles: nothing that Terraform does needs it, and the first calls may
 * be repeated.
 */
const INVOKER_DELAY_SECONDS = 10;

/**
 * A container that runs on requests, and that only accounts with a grant may call.
 *
 * The provider only warns when the cloud could not start a revision, and then takes the container
 * for up to date. Here such an apply fails: the first revision by a provisioner, which also marks
 * the container for replacement, and every later one because the active revision does not carry the
 * fingerprint of the wanted one. Either way the next plain apply tries again.
 *
 * A container that is replaced has a new id and URL: what knows it by id outside of Terraform (a
 * trigger created by a script) has to be told.
 *
 * @example
 * const web = new ServerlessContainer(this, "Web", { name: "shop-web", image, account });
 * web.addEnv("DEBUG", "0");
 */
export class ServerlessContainer extends Construct {
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

  /** The same for whoever is no account of this app, as a subject: `userAccount:<id>`. */
  grantInvokeTo(member: string): void {
    this.invokers().add({ node: this.node, member });
  }

  /** Makes what calls the container come after the right to do so. */
  invokersPrecede(resource: TerraformResource): void {
    dependOn(resource, this.invokers().binding);
  }

  /** Makes the container come after a resource. */
  follows(resource: TerraformResource): void {
    dependOn(this.resource, resource);
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
      runtime: { type: this.props.runtime ?? "http" },
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
    const { account, logGroup, networkId, runtime } = this.props;
    return {
      ...renderInstance(this.props),
      image,
      environment: this.renderEnv(),
      secrets,
      account: account.id,
      logGroup: logGroup?.id,
      minInstances: this.minInstances,
      network: networkId,
      // Fingerprints of stacks that were applied before there was a choice stay the same.
      ...(runtime === "task" && { runtime }),
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

  private check(refuse: Refuse): void {
    checkServerlessContainer(this.props, refuse);
    checkEnvironment(this.env, this.secrets, refuse);
    const all = this.node.root.node.findAll().filter((it) => it instanceof ServerlessContainer);
    checkQuota("containers", all, this, refuse);
    checkInstances(all, this, refuse);
  }
}

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
