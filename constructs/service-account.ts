import { IamServiceAccount as Resource } from "@cdktf/provider-yandex/lib/iam-service-account";
import { ResourcemanagerFolderIamMember } from "@cdktf/provider-yandex/lib/resourcemanager-folder-iam-member";
import type { IResolvable, TerraformResource } from "cdktf";
import { Fn, Token } from "cdktf";
import { Construct } from "constructs";
import { GRANT_LIFECYCLE, Grants } from "./_grants.ts";
import { mismatches, type Refuse, refuseAtSynth } from "./_refusal.ts";

/**
 * Props of {@link ServiceAccount}.
 *
 * @see https://yandex.cloud/en/docs/iam/concepts/users/service-accounts
 */
export interface ServiceAccountProps {
  /**
   * Unique in the folder: 1 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen
   * last.
   */
  readonly name: string;
  /**
   * What the account is for, at most 256 characters.
   *
   * @default - none
   */
  readonly description?: string;
}

/** An account that exists already. */
export interface ExistingServiceAccount {
  readonly accountId: string;
  /** The folder in which the account gets its roles. */
  readonly folderId: string;
}

/**
 * An account for one purpose, with the roles that other constructs grant to it.
 *
 * Roles on a folder are single members, never bindings: a binding is authoritative and would take
 * the role from everybody else who has it there. What uses a right while Terraform runs (a container
 * that pulls its image, a queue that is created with the account's key) has to come after the grants
 * and the one wait that follows them all: see `precedes`.
 *
 * @example
 * const account = new ServiceAccount(this, "WebAccount", { name: "shop-web" });
 * registry.grantPull(account);
 */
export class ServiceAccount extends Construct {
  /** An account that is not managed here. Its roles are. */
  static fromId(scope: Construct, id: string, existing: ExistingServiceAccount): ServiceAccount {
    return new ServiceAccount(scope, id, existing);
  }

  readonly id: string;
  /** The folder in which the account gets its roles: its own. */
  readonly folderId: string;
  /** The account as a subject of access bindings: `serviceAccount:<id>`. */
  readonly member: string;

  constructor(scope: Construct, id: string, props: ServiceAccountProps | ExistingServiceAccount) {
    super(scope, id);
    const { accountId, folderId } = "accountId" in props ? props : this.define(props);
    this.id = accountId;
    this.folderId = folderId;
    this.member = `serviceAccount:${accountId}`;
  }

  /**
   * Grants the account a role in its folder. A second call with the same role does nothing.
   *
   * @param when a condition that the plan can know, for a role that is not always needed
   */
  grantOnFolder(role: string, when?: IResolvable): void {
    const always = `Folder ${role}`;
    // Not under the same id: Terraform would take a right that was given always for this one.
    const id = when ? `${always} at times` : always;
    if (this.node.tryFindChild(always) ?? this.node.tryFindChild(id)) return;
    const grant = new ResourcemanagerFolderIamMember(this, id, {
      folderId: this.folderId,
      role,
      member: this.member,
      count: when && Token.asNumber(Fn.conditional(when, 1, 0)),
      lifecycle: GRANT_LIFECYCLE,
    });
    this.addGrant(grant, () => [this.folderId, role, this.member, ...(when ? [when] : [])]);
  }

  /**
   * Counts a role that another construct gave to the account among the rights that are waited for.
   * Not one on something that waits for rights itself.
   *
   * @param gives what tells the grant from another one: a new one is waited for
   */
  addGrant(grant: TerraformResource, gives: () => unknown): void {
    Grants.of(grant).add(grant, gives);
  }

  /** Makes a resource wait for every grant of the account, those given later included. */
  precedes(resource: TerraformResource): void {
    Grants.of(resource).precedes(resource);
  }

  private define(props: ServiceAccountProps): ExistingServiceAccount {
    refuseAtSynth(this, (refuse) => checkServiceAccount(props, refuse));
    const resource = new Resource(this, "Resource", {
      name: props.name,
      description: props.description,
    });
    return { accountId: resource.id, folderId: resource.folderId };
  }
}

/** What Yandex Cloud would reject about an account. */
function checkServiceAccount(props: ServiceAccountProps, refuse: Refuse): void {
  refuse(mismatches(props.name, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/), {
    field: "name",
    value: props.name,
    allowed: "1 to 63 lowercase letters, digits and hyphens, a letter first, no hyphen last",
    fix: "Rename the account",
  });
  refuse(mismatches(props.description, /^.{0,256}$/s), {
    field: "description",
    value: props.description,
    allowed: "at most 256 characters",
    fix: "Shorten the description",
  });
}
