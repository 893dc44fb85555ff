import { type TerraformStack, TerraformVariable } from "cdktf";
import { describe, expect, test } from "vitest";
import { Bucket, type BucketProps } from "../../constructs/bucket.ts";
import { ServiceAccount } from "../../constructs/service-account.ts";
import { addresses, grants, raw, refusals, resources, synthPlain } from "../support/synth.ts";

const BUCKET = "yandex_storage_bucket";
const BINDING = "yandex_storage_bucket_iam_binding";
const RULES = {
  lifecycle_rule: [
    { id: "unfinished-uploads", enabled: true, abort_incomplete_multipart_upload_days: 7 },
  ],
};

describe("Bucket", () => {
  test("is private, keeps one version, and forgets unfinished uploads after a week", () => {
    const stack = synthPlain(defineBucket);

    // Nothing that needs more rights than a bucket itself: acl, grant, versioning.
    expect(resources(stack, BUCKET)).toEqual([
      { bucket: "shop-media", folder_id: "b1g1", ...RULES },
    ]);
  });

  test("lets pages of the given origins read and upload", () => {
    const stack = synthPlain((scope) =>
      defineBucket(scope, { origins: ["https://shop.example.com", "https://*.example.org"] }),
    );

    expect(resources(stack, BUCKET)).toMatchObject([
      {
        cors_rule: [
          {
            allowed_origins: ["https://shop.example.com", "https://*.example.org"],
            allowed_methods: ["GET", "HEAD", "PUT", "POST"],
            allowed_headers: ["*"],
            expose_headers: ["ETag"],
            max_age_seconds: 3600,
          },
        ],
      },
    ]);
  });

  test("grants reading and writing on the bucket alone, to all by one binding that is waited for", () => {
    const stack = synthPlain((scope) => {
      const bucket = defineBucket(scope);
      const known = { accountId: "aje1", folderId: "b1g1" };
      bucket.grantReadWrite(ServiceAccount.fromId(scope, "Account", known));
      bucket.grantReadWrite(new ServiceAccount(scope, "Other", { name: "other" }));
    });

    const other = "serviceAccount:${yandex_iam_service_account.Other.id}";
    expect(resources(stack, BINDING)).toEqual([
      {
        bucket: "${yandex_storage_bucket.Media.bucket}",
        role: "storage.editor",
        members: ["serviceAccount:aje1", other],
      },
    ]);
    expect(grants(stack)).toEqual([]);
    expect(resources(stack, "terraform_data")).toMatchObject([
      {
        depends_on: addresses(stack, BINDING),
        triggers_replace: [
          [
            "${yandex_storage_bucket.Media.bucket}",
            "storage.editor",
            ...["serviceAccount:aje1", other],
          ],
        ],
      },
    ]);
  });

  test("is known by its name where another stack has made it", () => {
    const stack = synthPlain((scope) => {
      const bucket = Bucket.fromName(scope, "Media", { bucketName: "shop-media" });
      bucket.grantReadWrite(new ServiceAccount(scope, "Account", { name: "shop" }));
    });

    expect(resources(stack, BUCKET)).toEqual([]);
    expect(stack.data).toBeUndefined();
    expect(resources(stack, BINDING)).toMatchObject([{ bucket: "shop-media" }]);
  });

  test.each<[string, Partial<BucketProps>, string]>([
    [
      "a name with capitals",
      { name: "Shop" },
      "'name' is \"Shop\", allowed: 3 to 63 lowercase letters, digits, hyphens and dots, a letter or a digit first and last. Rename the bucket.",
    ],
    [
      "a name that is too long",
      { name: "a".repeat(64) },
      `'name' is "${"a".repeat(64)}", allowed: 3 to 63 lowercase letters, digits, hyphens and dots, a letter or a digit first and last. Rename the bucket.`,
    ],
    [
      "an origin with a path",
      { origins: ["https://shop.example.com/"] },
      "'origins' is \"https://shop.example.com/\", allowed: an origin with at most one *, as in https://*.example.com. Write scheme and host only.",
    ],
    [
      "an origin with two asterisks",
      { origins: ["https://*.*.com"] },
      "'origins' is \"https://*.*.com\", allowed: an origin with at most one *, as in https://*.example.com. Write scheme and host only.",
    ],
  ])("refuses %s", (_, props, message) => {
    expect(refusals((scope) => defineBucket(scope, props))).toEqual([`[app/Media] ${message}`]);
  });

  test("skips what is not known at synth", () => {
    expect(
      refusals((scope) => {
        const { stringValue } = new TerraformVariable(scope, "value", {});
        defineBucket(scope, { name: `shop-${stringValue}`, origins: [stringValue] });
      }),
    ).toEqual([]);
  });

  test("is reachable as defaultChild", () => {
    const stack = synthPlain((scope) => raw(defineBucket(scope)).addOverride("max_size", 1));

    expect(resources(stack, BUCKET)).toMatchObject([{ max_size: 1 }]);
  });
});

function defineBucket(scope: TerraformStack, props?: Partial<BucketProps>): Bucket {
  return new Bucket(scope, "Media", { name: "shop-media", folderId: "b1g1", ...props });
}
