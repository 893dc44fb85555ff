import type { Cloud } from "../../state.ts";
import { type Behaviour, type Call, fail } from "../behaviour.ts";
import { type Attributes, isUnknown, text } from "../values.ts";
import { generic } from "./generic.ts";

const BUCKET = "yandex_storage_bucket";
const CREATING = "error creating Storage S3 Bucket";

const plain = generic({
  half: "sdk",
  prefix: "",
  options: {
    defaults: { force_destroy: false },
    replaceOn: ["bucket", "bucket_prefix", "folder_id"],
    keptBlocks: ["versioning", "anonymous_access_flags"],
  },
  computed: (_call, planned, id) => {
    const bucket = isUnknown(planned.bucket) ? `terraform-${id}` : text(planned.bucket);
    const domain = `${bucket}.storage.yandexcloud.net`;
    // A bucket's id is its name.
    return { id: bucket, bucket, bucket_domain_name: domain, default_storage_class: "STANDARD" };
  },
});

/** Known to the whole world by its name, and deleted only when it is empty. */
export const bucket: Behaviour = {
  ...plain,
  import: (_call, id) => ({ id, bucket: id, force_destroy: false }),
  create(call, planned) {
    const name = text(planned.bucket);
    if (name.length > 63) {
      throw new Error(
        `error validating Storage Bucket name: "${name}" must contain 63 characters at most`,
      );
    }
    refuseWithoutFolder(planned);
    if (isTaken(call.cloud, name)) {
      throw new Error(
        `${CREATING}: rpc error: code = AlreadyExists desc = The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.`,
      );
    }
    return plain.create(call, planned);
  },
  remove(call, state) {
    const name = text(state.id);
    const objects = Object.keys(call.cloud.objects).filter((key) => key.startsWith(`${name}/`));
    if (objects.length > 0 && state.force_destroy !== true) {
      throw new Error(
        `error deleting Storage Bucket (${name}): BucketNotEmpty: The bucket you tried to delete is not empty.\n\tstatus code: 409, request id: 8499ce68263482a2, host id: `,
      );
    }
    for (const key of objects) delete call.cloud.objects[key];
    plain.remove(call, state);
  },
};

/** Rights are given on a bucket that is there: its name is looked up. */
export function refuseMissingBucket({ cloud }: Call, name: string): void {
  if (!isTaken(cloud, name)) fail("NotFound", `Bucket ${name} not found`);
}

// The resource has no folder of the provider's. A token of a person's has none either.
function refuseWithoutFolder(planned: Attributes): void {
  if (text(planned.folder_id)) return;
  throw new Error(
    `${CREATING}: failed to create bucket. This is usually due to the absence or inability to identify folder_id in which the bucket will be created. This is possible when creating a bucket using UserAccount IAM token: BadRequest: Bad Request`,
  );
}

function isOurs({ others }: Cloud, name: string): boolean {
  return others[BUCKET]?.[name] !== undefined;
}

function isTaken(cloud: Cloud, name: string): boolean {
  return isOurs(cloud, name) || (cloud.buckets ?? []).includes(name);
}
