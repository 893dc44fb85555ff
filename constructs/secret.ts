import { DataYandexLockboxSecret } from "@cdktf/provider-yandex/lib/data-yandex-lockbox-secret";
import { IamServiceAccountStaticAccessKey } from "@cdktf/provider-yandex/lib/iam-service-account-static-access-key";
import { LockboxSecret as Resource } from "@cdktf/provider-yandex/lib/lockbox-secret";
import { LockboxSecretIamMember } from "@cdktf/provider-yandex/lib/lockbox-secret-iam-member";
import { LockboxSecretVersion } from "@cdktf/provider-yandex/lib/lockbox-secret-version";
import { TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { GRANT_LIFECYCLE } from "./_grants.ts";
import { mismatches, outside, type Refuse, refuseAtSynth } from "./_refusal.ts";
import type { ServiceAccount } from "./service-account.ts";

/** One entry of one version of a secret: what a container can be given by name. */
export interface SecretValue {
  readonly secretId: string;
  readonly versionId: string;
  readonly key: string;
  /** Lets an account read the whole secret. */
  grantRead(account: ServiceAccount): void;
}

/** Props of {@link Secret.generate}. */
export interface GeneratedSecretProps {
  /** At most 100 characters. */
  readonly name: string;
  /** Name of the one entry: at most 256 letters, digits and `-_./\@`. */
  readonly key: string;
  /**
   * Characters, 8 to 256; letters and digits only, so that the value survives shells and URLs.
   * Another length is used from the next version on.
   *
   * @default 50
   */
  readonly length?: number;
}

/** Props of {@link Secret.staticKey}. */
export interface StaticKeySecretProps {
  /** At most 100 characters. */
  readonly name: string;
  /** The account that the key acts for. */
  readonly account: ServiceAccount;
}

/** A secret that exists already. */
export interface ExistingSecret {
  readonly secretId: string;
  /**
   * The version to read. Pinned, a new value reaches containers when the pin is changed.
   *
   * @default - the current version at each plan: a new value is a new revision at the next deploy
   */
  readonly versionId?: string;
}

const READER_ROLE = "lockbox.payloadViewer";

/** Entries of a secret made by `Secret.staticKey`. */
const ACCESS_KEY_ENTRY = "access_key";
const SECRET_KEY_ENTRY = "secret_key";

/**
 * A secret in Lockbox and one version of it. Its values are in no state, plan or environment:
 * containers are given a reference and the cloud fills it in. Whoever runs Terraform needs
 * `lockbox.payloadViewer`, because the provider checks at each plan that a version can be read.
 *
 * To rotate what is created here, replace the version (`generate`) or the key (`staticKey`):
 * `TF_CLI_ARGS_apply='-replace=<address>' npm run deploy`. The new one is created, and the containers
 * get a revision that reads it before the old one goes.
 *
 * A secret that is encrypted with a key of KMS needs one more role for its readers:
 * `kms.keys.encrypterDecrypter`.
 *
 * @example
 * const secret = Secret.generate(this, "DjangoKey", { name: "shop-django", key: "secret_key" });
 * container.addSecret("DJANGO_SECRET_KEY", secret.value("secret_key"));
 */
export class Secret extends Construct {
  /** A random value that Yandex Cloud generates. */
  static generate(scope: Construct, id: string, props: GeneratedSecretProps): Secret {
    const secret = new Secret(scope, id, (self) => self.defineGenerated(props));
    refuseAtSynth(secret, (refuse) => checkGeneratedSecret(props, refuse));
    return secret;
  }

  /** A new static access key of an account: entries `access_key` and `secret_key`. */
  static staticKey(scope: Construct, id: string, props: StaticKeySecretProps): Secret {
    const secret = new Secret(scope, id, (self) => self.defineStaticKey(props));
    refuseAtSynth(secret, (refuse) => checkSecretName(props, refuse));
    return secret;
  }

  /** A secret that is not managed here. Who may read it is. */
  static fromLockbox(scope: Construct, id: string, existing: ExistingSecret): Secret {
    return new Secret(scope, id, (self) => self.findExisting(existing));
  }

  readonly secretId: string;
  readonly versionId: string;

  private readonly readers = new Set<ServiceAccount>();

  private constructor(scope: Construct, id: string, define: (self: Secret) => SecretVersion) {
    super(scope, id);
    const { secretId, versionId } = define(this);
    this.secretId = secretId;
    this.versionId = versionId;
  }

  /** One entry. */
  value(key: string): SecretValue {
    return {
      secretId: this.secretId,
      versionId: this.versionId,
      key,
      grantRead: (account) => this.grantRead(account),
    };
  }

  /** Grants an account `lockbox.payloadViewer` on this secret alone. */
  grantRead(account: ServiceAccount): void {
    if (this.readers.has(account)) return;
    this.readers.add(account);
    const reader = TerraformStack.of(this).getLogicalId(account.node);
    const grant = new LockboxSecretIamMember(this, `Reader ${reader}`, {
      secretId: this.secretId,
      role: READER_ROLE,
      member: account.member,
      lifecycle: GRANT_LIFECYCLE,
    });
    account.addGrant(grant, () => [this.secretId, READER_ROLE, account.member]);
  }

  private defineGenerated({ name, key, length = 50 }: GeneratedSecretProps): SecretVersion {
    const secret = new Resource(this, "Resource", {
      name,
      passwordPayloadSpecification: { passwordKey: key, length, includePunctuation: false },
    });
    const version = new LockboxSecretVersion(this, "Version", {
      secretId: secret.id,
      lifecycle: { createBeforeDestroy: true },
    });
    return { secretId: secret.id, versionId: version.id };
  }

  private defineStaticKey({ name, account }: StaticKeySecretProps): SecretVersion {
    const secret = new Resource(this, "Resource", { name });
    const key = new IamServiceAccountStaticAccessKey(this, "Key", {
      serviceAccountId: account.id,
      outputToLockbox: {
        secretId: secret.id,
        entryForAccessKey: ACCESS_KEY_ENTRY,
        entryForSecretKey: SECRET_KEY_ENTRY,
      },
      lifecycle: { createBeforeDestroy: true },
    });
    return { secretId: secret.id, versionId: key.outputToLockboxVersionId };
  }

  private findExisting({ secretId, versionId }: ExistingSecret): SecretVersion {
    if (versionId !== undefined) return { secretId, versionId };
    const found = new DataYandexLockboxSecret(this, "Resource", { secretId });
    return { secretId, versionId: found.currentVersion.get(0).id };
  }
}

interface SecretVersion {
  readonly secretId: string;
  readonly versionId: string;
}

/** What Yandex Cloud would reject about a generated secret. */
function checkGeneratedSecret(props: GeneratedSecretProps, refuse: Refuse): void {
  checkSecretName(props, refuse);
  refuse(mismatches(props.key, /^[-_./\\@0-9a-zA-Z]{1,256}$/), {
    field: "key",
    value: props.key,
    allowed: "1 to 256 letters, digits and any of -_./\\@",
    fix: "Rename the entry",
  });
  refuse(outside(props.length, 8, 256), {
    field: "length",
    value: props.length,
    allowed: "8 to 256 characters",
    fix: "Leave it out for 50",
  });
}

/** What Yandex Cloud would reject about a secret's name. */
function checkSecretName(props: { readonly name: string }, refuse: Refuse): void {
  refuse(mismatches(props.name, /^.{1,100}$/s), {
    field: "name",
    value: props.name,
    allowed: "1 to 100 characters",
    fix: "Rename the secret",
  });
}
