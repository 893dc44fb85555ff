import { App, type TerraformStack, Testing } from "cdktf";
import { describe, expect, test } from "vitest";
import { AppStack } from "../../stacks/app.ts";
import type { Config } from "../../stacks/config-schema.ts";
import { DataStack } from "../../stacks/data.ts";
import { resolveSettings, stackKinds } from "../../stacks/settings.ts";
import { resources, type SynthesizedStack } from "../support/synth.ts";

const BUCKET = "yandex_storage_bucket";
const VARIABLES = [
  "AWS_STORAGE_BUCKET_NAME",
  "AWS_ENDPOINT_URL_S3",
  "AWS_REQUEST_CHECKSUM_CALCULATION",
  "AWS_RESPONSE_CHECKSUM_VALIDATION",
];

describe("media: true", () => {
  test("makes a bucket that outlives the app", () => {
    const { data } = synthesize({ media: true });

    expect(data.resource).toEqual({
      yandex_storage_bucket: {
        Media: {
          bucket: "shop-media-${var.state_id}",
          folder_id: "${var.folder_id}",
          cors_rule: [
            {
              allowed_origins: ["https://*.apigw.yandexcloud.net"],
              allowed_methods: ["GET", "HEAD", "PUT", "POST"],
              allowed_headers: ["*"],
              expose_headers: ["ETag"],
              max_age_seconds: 3600,
            },
          ],
          lifecycle_rule: [
            { id: "unfinished-uploads", enabled: true, abort_incomplete_multipart_upload_days: 7 },
          ],
        },
      },
    });
    expect(data.variable?.folder_id).toMatchObject({
      default: "",
      validation: [
        {
          error_message:
            "The folder of the bucket is not known. Set 'folderId' in config.ts, or TF_VAR_folder_id.",
        },
      ],
    });
    expect(data.output).toEqual({
      media_bucket: { value: `\${${BUCKET}.Media.bucket}` },
    });
  });

  test("takes the folder of config.ts, and lets the pages of the site's domain upload", () => {
    const { data } = synthesize({
      media: true,
      folderId: "b1g00000000000000001",
      domain: { fqdn: "shop.example.com", dns: "external" },
    });

    expect(resources(data, BUCKET)).toMatchObject([
      {
        folder_id: "b1g00000000000000001",
        cors_rule: [
          { allowed_origins: ["https://shop.example.com", "https://*.apigw.yandexcloud.net"] },
        ],
      },
    ]);
    expect(data.variable?.folder_id).toBeUndefined();
  });

  test("lets the containers use that bucket, and tells them of it", () => {
    const { app } = synthesize({ media: true });

    expect(resources(app, BUCKET)).toEqual([]);
    expect(resources(app, "yandex_storage_bucket_iam_binding")).toMatchObject([
      { bucket: "shop-media-${var.state_id}", role: "storage.editor" },
    ]);
    const environments = resources(app, "yandex_serverless_container").map(environmentOf);
    expect(environments).toHaveLength(2);
    for (const environment of environments) {
      expect(environment).toMatchObject({
        AWS_STORAGE_BUCKET_NAME: "shop-media-${var.state_id}",
        AWS_ENDPOINT_URL_S3: "https://storage.yandexcloud.net",
        AWS_REQUEST_CHECKSUM_CALCULATION: "when_required",
        AWS_RESPONSE_CHECKSUM_VALIDATION: "when_required",
      });
    }
    expect(app.output?.local?.value).toMatchObject({
      media: { bucket: "shop-media-${var.state_id}" },
      ports: { storage: 9000 },
    });
  });

  test("has a name of at most 63 characters in the longest project and stage", () => {
    const settings = { project: "p".repeat(30), stages: { ["s".repeat(16)]: {} } };
    const { data } = synthesize({ media: true, ...settings }, "s".repeat(16));

    const [bucket] = resources(data, BUCKET);
    const name = String(bucket?.bucket).replace("${var.state_id}", "0123456789ab");
    expect(name).toBe(`${"p".repeat(30)}-${"s".repeat(13)}-media-0123456789ab`);
    expect(name).toHaveLength(63);
  });

  test("has a name of its own where config.ts says so", () => {
    const { data, app } = synthesize({ media: { bucket: "uploads-of-shop" } });

    expect(resources(data, BUCKET)).toMatchObject([{ bucket: "uploads-of-shop" }]);
    expect(app.output?.local?.value).toMatchObject({ media: { bucket: "uploads-of-shop" } });
  });

  test("is a stack more, unless a stage says no", () => {
    const config = {
      ...{ project: "shop", celeryApp: "shop.celery:app", media: true },
      stages: { test: { media: false } },
    };

    expect(stackKinds(resolveSettings(config))).toEqual(["registry", "data", "app"]);
    expect(stackKinds(resolveSettings(config, "test"))).toEqual(["registry", "app"]);
  });

  test("changes nothing where it is not set", () => {
    const { app } = synthesize({});

    expect(JSON.stringify(app)).not.toMatch(/storage\.|media/);
    for (const environment of resources(app, "yandex_serverless_container").map(environmentOf)) {
      expect(Object.keys(environment).filter((name) => VARIABLES.includes(name))).toEqual([]);
    }
  });
});

function environmentOf(container: Record<string, unknown>): Record<string, string> {
  return (container.image as { environment: Record<string, string> }).environment;
}

function synthesize(fields: Partial<Config>, stage?: string) {
  const base = { project: "shop", celeryApp: "shop.celery:app" };
  const settings = resolveSettings({ ...base, ...fields }, stage);
  const scope = new App({ outdir: "cdktf.out" });
  return {
    data: parse(new DataStack(scope, settings)),
    app: parse(new AppStack(scope, settings)),
  };
}

// Without the notes of the framework, which name its version, and without hashes in addresses.
function parse(stack: TerraformStack): SynthesizedStack {
  const text = Testing.synth(stack).replaceAll(/_[0-9A-F]{8}\b/g, "");
  return JSON.parse(text, (key, value) => (key === "//" ? undefined : value));
}
