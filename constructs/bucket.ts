import { StorageBucket } from "@cdktf/provider-yandex/lib/storage-bucket";
import { StorageBucketIamBinding } from "@cdktf/provider-yandex/lib/storage-bucket-iam-binding";
import { Construct } from "constructs";
import { RoleMembers } from "./_grants.ts";
import { mismatches, type Refuse, refuseAtSynth } from "./_refusal.ts";
import type { ServiceAccount } from "./service-account.ts";

/** The least role that may delete objects, which `storage.uploader` may not. */
const EDITOR = "storage.editor";
/** Days until the parts of an upload that was never completed are deleted. */
const UNFINISHED_DAYS = 7;

/**
 * Props of {@link Bucket}.
 *
 * @see https://yandex.cloud/en/docs/storage/concepts/bucket
 */
export interface BucketProps {
  /**
   * Unique among all buckets of Object Storage: 3 to 63 lowercase letters, digits, hyphens and dots, a
   * letter or a digit first and last.
   */
  readonly name: string;
  /** The folder. Not the provider's own: it takes that for no bucket that a person creates. */
  readonly folderId: string;
  /**
   * Origins of the pages whose scripts may read and upload with a signed link, e.g.
   * "https://shop.example.com"; one `*` each. @default - none
   */
  readonly origins?: readonly string[];
}

/** A bucket that exists already. */
export interface ExistingBucket {
  readonly bucketName: string;
}

/**
 * A private bucket: whoever has no role on it reads by signed links only. Objects have one version, and
 * a bucket with objects in it refuses to be deleted.
 *
 * @example
 * const bucket = new Bucket(this, "Media", { name: "shop-media", folderId: "b1g0123456789abcdefg" });
 * bucket.grantReadWrite(account);
 */
export class Bucket extends Construct {
  /** A bucket of another stack, which is applied first. Who may use it is managed here. */
  static fromName(scope: Construct, id: string, existing: ExistingBucket): Bucket {
    return new Bucket(scope, id, existing);
  }

  readonly name: string;

  constructor(scope: Construct, id: string, props: BucketProps | ExistingBucket) {
    super(scope, id);
    this.name = "bucketName" in props ? props.bucketName : this.define(props);
  }

  /**
   * `storage.editor` on this bucket alone: reads, writes, lists and deletes objects. It also covers the
   * bucket's settings; no lesser role deletes.
   *
   * @see https://yandex.cloud/en/docs/storage/security/#storage-editor
   */
  grantReadWrite(account: ServiceAccount): void {
    const editors = RoleMembers.of(
      this,
      "Editors",
      (scope, id, members) =>
        new StorageBucketIamBinding(scope, id, { bucket: this.name, role: EDITOR, members }),
    );
    editors.add(account);
    account.addGrant(editors.binding, () => [this.name, EDITOR, ...editors.list()]);
  }

  private define(props: BucketProps): string {
    refuseAtSynth(this, (refuse) => checkBucket(props, refuse));
    const { origins = [] } = props;
    // Access lists and versioning are left as they are, private and off: to set them takes more rights.
    const resource = new StorageBucket(this, "Resource", {
      bucket: props.name,
      folderId: props.folderId,
      corsRule: origins.length === 0 ? undefined : [renderCors(origins)],
      lifecycleRule: [
        {
          id: "unfinished-uploads",
          enabled: true,
          abortIncompleteMultipartUploadDays: UNFINISHED_DAYS,
        },
      ],
    });
    return resource.bucket;
  }
}

function renderCors(origins: readonly string[]) {
  return {
    allowedOrigins: [...origins],
    allowedMethods: ["GET", "HEAD", "PUT", "POST"],
    allowedHeaders: ["*"],
    exposeHeaders: ["ETag"],
    maxAgeSeconds: 3600,
  };
}

/** What Object Storage would reject about a bucket. */
function checkBucket({ name, origins = [] }: BucketProps, refuse: Refuse): void {
  refuse(mismatches(name, /^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$/), {
    field: "name",
    value: name,
    allowed:
      "3 to 63 lowercase letters, digits, hyphens and dots, a letter or a digit first and last",
    fix: "Rename the bucket",
  });
  for (const origin of origins) {
    refuse(mismatches(origin, /^https?:\/\/(?!.*\*.*\*)[^/\s]+$/), {
      field: "origins",
      value: origin,
      allowed: "an origin with at most one *, as in https://*.example.com",
      fix: "Write scheme and host only",
    });
  }
}
