import { ContainerRegistry as Resource } from "@cdktf/provider-yandex/lib/container-registry";
import { ContainerRegistryIamBinding } from "@cdktf/provider-yandex/lib/container-registry-iam-binding";
import { ContainerRepository } from "@cdktf/provider-yandex/lib/container-repository";
import {
  ContainerRepositoryLifecyclePolicy,
  type ContainerRepositoryLifecyclePolicyRule,
} from "@cdktf/provider-yandex/lib/container-repository-lifecycle-policy";
import { DataYandexContainerRegistry } from "@cdktf/provider-yandex/lib/data-yandex-container-registry";
import { Fn, Op, TerraformResource, type TerraformResourceConfig, TerraformSelf } from "cdktf";
import { Construct } from "constructs";
import { GRANT_LIFECYCLE, RoleMembers } from "./_grants.ts";
import { checkName } from "./_name.ts";
import { mismatches, outside, type Refuse, refuseAtSynth } from "./_refusal.ts";
import type { ServiceAccount } from "./service-account.ts";

const PULLER_ROLE = "container-registry.images.puller";

/**
 * Props of {@link ContainerRegistry}.
 *
 * @see https://yandex.cloud/en/docs/container-registry/concepts/registry
 */
export interface ContainerRegistryProps {
  /**
   * Unique in the folder: 3 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen
   * last.
   */
  readonly name: string;
  /** Repository in the registry: lowercase letters and digits, joined by `.`, `_`, `-` or `/`. */
  readonly repository: string;
  /**
   * Tagged images that are kept, the newest first; older ones are removed. At least 2: the image
   * that runs and the one to go back to.
   *
   * @default 10
   * @see https://yandex.cloud/en/docs/container-registry/concepts/lifecycle-policy
   */
  readonly keepNewest?: number;
  /**
   * Days after which an image without a tag is removed, counted from when it was created; at least 14.
   * An image loses its tag when the tag is pushed again, while a revision may still run it.
   *
   * @default 14
   */
  readonly untaggedDays?: number;
  /**
   * Shell command that deletes every image of the registry whose id is in `REGISTRY_ID`. It runs in
   * the stack's output folder when the registry is destroyed: the cloud deletes none that holds
   * images.
   *
   * @default - none: destroy fails while there are images
   */
  readonly purgeCommand?: string;
}

/** A registry of another stack. */
export interface ExistingRegistry {
  readonly registryName: string;
  readonly repository: string;
}

/**
 * A registry with one repository and the policy that keeps it small without removing an image that
 * a recent revision needs: tagged images go only by number, untagged ones only after two weeks.
 *
 * @example
 * const registry = new ContainerRegistry(this, "Registry", { name: "shop", repository: "site" });
 * registry.grantPull(account);
 */
export class ContainerRegistry extends Construct {
  /** A registry of another stack, which is applied first. Who may use it is managed here. */
  static fromName(scope: Construct, id: string, existing: ExistingRegistry): ContainerRegistry {
    return new ContainerRegistry(scope, id, existing);
  }

  readonly id: string;
  /** What an image's name starts with: `cr.yandex/<registry id>/<repository>`. */
  readonly repositoryUrl: string;

  constructor(scope: Construct, id: string, props: ContainerRegistryProps | ExistingRegistry) {
    super(scope, id);
    this.id = "registryName" in props ? this.find(props) : this.define(props);
    this.repositoryUrl = `cr.yandex/${this.id}/${props.repository}`;
  }

  /**
   * `container-registry.images.puller` on this registry alone.
   *
   * @param image what the account pulls. One of another registry, promoted from another stage, needs
   * the role in the account's folder; that is given for as long as such an image runs.
   */
  grantPull(account: ServiceAccount, image?: string): void {
    this.addPuller(account);
    if (image === undefined) return;
    const foreign = Op.neq(Fn.element(Fn.split("/", image), 1), this.id);
    account.grantOnFolder(PULLER_ROLE, foreign);
  }

  private addPuller(account: ServiceAccount): void {
    const holders = RoleMembers.of(this, "Pullers", (scope, id, members) => {
      const lifecycle = GRANT_LIFECYCLE;
      return new ContainerRegistryIamBinding(scope, id, {
        registryId: this.id,
        role: PULLER_ROLE,
        members,
        lifecycle,
      });
    });
    holders.add(account);
    account.addGrant(holders.binding, () => [this.id, PULLER_ROLE, ...holders.list()]);
  }

  private find({ registryName: name }: ExistingRegistry): string {
    return new DataYandexContainerRegistry(this, "Resource", { name }).id;
  }

  private define(props: ContainerRegistryProps): string {
    refuseAtSynth(this, (refuse) => checkContainerRegistry(props, refuse));
    const registry = new Resource(this, "Resource", { name: props.name });
    const repository = this.defineRepository(registry.id, props);
    if (props.purgeCommand) this.definePurge(registry.id, repository, props.purgeCommand);
    return registry.id;
  }

  private defineRepository(registryId: string, props: ContainerRegistryProps): ContainerRepository {
    const repository = new ContainerRepository(this, "Repository", {
      name: `${registryId}/${props.repository}`,
    });
    new ContainerRepositoryLifecyclePolicy(this, "Policy", {
      repositoryId: repository.id,
      status: "active",
      rule: renderRules(props),
    });
    return repository;
  }

  // Its own resource, because it has to run before the repository goes, and not when the repository
  // is only renamed.
  private definePurge(registryId: string, repository: ContainerRepository, command: string): void {
    new Purge(this, "Purge", registryId, {
      terraformResourceType: "terraform_data",
      dependsOn: [repository],
      provisioners: [
        {
          type: "local-exec",
          when: "destroy",
          command,
          environment: { REGISTRY_ID: TerraformSelf.getString("triggers_replace") },
        },
      ],
    });
  }
}

/** The built-in `terraform_data`, replaced together with the registry and destroyed before it. */
class Purge extends TerraformResource {
  private readonly registryId: string;

  constructor(scope: Construct, id: string, registryId: string, config: TerraformResourceConfig) {
    super(scope, id, config);
    this.registryId = registryId;
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { triggers_replace: this.registryId };
  }
}

/** The rules of the lifecycle policy, in the spelling that the API reads back. */
function renderRules(
  props: Pick<ContainerRegistryProps, "keepNewest" | "untaggedDays">,
): ContainerRepositoryLifecyclePolicyRule[] {
  const { keepNewest = 10, untaggedDays = 14 } = props;
  return [
    {
      description: `Keep the newest ${keepNewest} tagged images`,
      tagRegexp: ".*",
      untagged: false,
      retainedTop: keepNewest,
    },
    {
      description: `Remove untagged images after ${untaggedDays} days`,
      untagged: true,
      expirePeriod: `${untaggedDays * 24}h0m0s`,
      retainedTop: 0,
    },
  ];
}

/** What Yandex Cloud would reject about a registry, and a policy that would remove what a revision needs. */
function checkContainerRegistry(props: ContainerRegistryProps, refuse: Refuse): void {
  checkName(props.name, "registry", refuse);
  refuse(mismatches(props.repository, REPOSITORY), {
    field: "repository",
    value: props.repository,
    allowed: "lowercase letters and digits, joined by . _ - or /",
    fix: "Rename the repository",
  });
  refuse(outside(props.keepNewest, 2, Number.MAX_SAFE_INTEGER), {
    field: "keepNewest",
    value: props.keepNewest,
    allowed: "a whole number from 2",
    fix: "Keep the image that runs and at least one to go back to",
  });
  refuse(outside(props.untaggedDays, 14, Number.MAX_SAFE_INTEGER), {
    field: "untaggedDays",
    value: props.untaggedDays,
    allowed: "a whole number of days from 14",
    fix: "Keep untagged images for two weeks: a revision that runs may need one",
  });
}

const REPOSITORY = /^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/;
