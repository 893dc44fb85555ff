import {
  dependable,
  Lazy,
  type LocalExecProvisioner,
  TerraformResource,
  type TerraformResourceConfig,
  TerraformStack,
} from "cdktf";
import { Construct } from "constructs";

/** Seconds that Terraform waits for new rights, because they reach the services late. */
const GRANT_DELAY_SECONDS = 20;

/**
 * For every grant. Stacks that were applied by earlier versions have a wait in each of them, and a
 * change of it would replace the grant: the right would be gone for a while.
 */
export const GRANT_LIFECYCLE = { ignoreChanges: ["sleep_after"] };

/**
 * The one wait of a stack: after every grant in it, before everything that needs a right while
 * Terraform runs. A wait in each grant costs many times as much, because the provider gives the
 * grants of one folder one after the other, waits included.
 *
 * Not for a grant on something that needs rights itself, which would have to come before and after.
 */
export class Grants extends Construct {
  /** The one of the stack that holds `scope`, created by the first call. */
  static of(scope: Construct): Grants {
    const stack = TerraformStack.of(scope);
    const found = stack.node.tryFindChild("Rights");
    return found instanceof Grants ? found : new Grants(stack, "Rights");
  }

  private readonly grants = new Map<TerraformResource, () => unknown>();
  private readonly followers: TerraformResource[] = [];
  private wait?: TerraformResource;

  private constructor(scope: Construct, id: string) {
    super(scope, id);
  }

  /**
   * Waits for a grant too.
   *
   * @param gives what it gives to whom; another value is waited for again
   */
  add(grant: TerraformResource, gives: () => unknown): void {
    this.grants.set(grant, gives);
    this.wait ??= this.defineWait();
    dependOn(this.wait, grant);
  }

  /** Makes a resource come after every grant of the stack, those given later included. */
  precedes(resource: TerraformResource): void {
    this.followers.push(resource);
    if (this.wait) dependOn(resource, this.wait);
  }

  private defineWait(): TerraformResource {
    const wait = new GrantWait(this, "Resource", () => this.describe(), {
      terraformResourceType: "terraform_data",
      provisioners: [SLEEP],
    });
    for (const follower of this.followers) dependOn(follower, wait);
    return wait;
  }

  // In order of address, so that moving a line in the program changes no plan.
  private describe(): unknown[] {
    return [...this.grants]
      .sort(([one], [other]) => (one.friendlyUniqueId < other.friendlyUniqueId ? -1 : 1))
      .map(([, gives]) => gives());
  }
}

const SLEEP: LocalExecProvisioner = {
  type: "local-exec",
  interpreter: ["sh", "-c"],
  command: `sleep ${GRANT_DELAY_SECONDS}`,
};

/** The built-in `terraform_data`, recreated, with its wait, whenever there is another grant. */
class GrantWait extends TerraformResource {
  private readonly rights: () => unknown[];

  constructor(
    scope: Construct,
    id: string,
    rights: () => unknown[],
    config: TerraformResourceConfig,
  ) {
    super(scope, id, config);
    this.rights = rights;
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { triggers_replace: this.rights() };
  }
}

/**
 * Who has a role on a thing of this stack. One binding for all of them, because it is authoritative:
 * a second one of the same role would take the first one's members away.
 */
export class RoleMembers extends Construct {
  /** The one under `id` on `thing`, created by the first call. */
  static of(thing: Construct, id: string, define: DefineBinding): RoleMembers {
    const found = thing.node.tryFindChild(id);
    return found instanceof RoleMembers ? found : new RoleMembers(thing, id, define);
  }

  readonly binding: TerraformResource;

  private readonly members = new Map<string, string>();

  private constructor(scope: Construct, id: string, define: DefineBinding) {
    super(scope, id);
    const members = Lazy.listValue({ produce: () => this.list() });
    this.binding = define(this, "Resource", members);
  }

  /** Adds an account, or whom else a construct speaks for; a second time does nothing. */
  add({ node, member }: Pick<Construct, "node"> & { readonly member: string }): void {
    this.members.set(node.path, member);
  }

  /** The members, in an order that is not the program's. */
  list(): string[] {
    const entries = [...this.members].sort(([one], [other]) => (one < other ? -1 : 1));
    return entries.map(([, member]) => member);
  }
}

type DefineBinding = (scope: Construct, id: string, members: string[]) => TerraformResource;

/** Adds a dependency to a resource, once. */
export function dependOn(resource: TerraformResource, on: TerraformResource): void {
  const known = dependencies.get(resource) ?? new Set();
  dependencies.set(resource, known);
  if (known.has(on)) return;
  known.add(on);
  resource.dependsOn = [...(resource.dependsOn ?? []), dependable(on)];
}

// The framework's own list holds tokens, each a new one.
const dependencies = new WeakMap<TerraformResource, Set<TerraformResource>>();
