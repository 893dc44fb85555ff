import { YandexProvider } from "@cdktf/provider-yandex/lib/provider";
import { LocalBackend, S3Backend, type TerraformStack } from "cdktf";

/** Where a stack's state is kept. */
export type StateLocation =
  | {
      /** A file, relative to the directory in which Terraform runs. */
      readonly path: string;
    }
  | {
      /** An existing bucket of Object Storage, with versioning switched on. */
      readonly bucket: string;
      /** Key of the state object. */
      readonly key: string;
      /** E.g. "https://storage.yandexcloud.net". */
      readonly endpoint: string;
      /** E.g. "ru-central1". */
      readonly region: string;
    };

/** Options of {@link configureStack}. */
export interface ConfigureStackOptions {
  /** @default - the provider takes YC_FOLDER_ID from the environment */
  readonly folderId?: string;
  readonly state: StateLocation;
}

/**
 * Gives a stack its provider, its backend and the Terraform versions it runs with. Credentials are
 * never written: the provider takes YC_TOKEN, the backend AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY from the environment.
 *
 * @example
 * configureStack(this, { state: { path: "../../.state/app.tfstate" } });
 */
export function configureStack(stack: TerraformStack, options: ConfigureStackOptions): void {
  new YandexProvider(stack, "Yandex", { folderId: options.folderId });
  if ("path" in options.state) {
    new LocalBackend(stack, { path: options.state.path });
  } else {
    new S3Backend(stack, renderS3(options.state));
  }
}

function renderS3(state: Extract<StateLocation, { bucket: string }>) {
  return {
    bucket: state.bucket,
    key: state.key,
    region: state.region,
    endpoints: { s3: state.endpoint },
    usePathStyle: true,
    // Object Storage speaks S3 but is not AWS: none of AWS's own look-ups exist there.
    skipRegionValidation: true,
    skipCredentialsValidation: true,
    skipRequestingAccountId: true,
    skipMetadataApiCheck: true,
    skipS3Checksum: true,
    // Not in the framework's type yet, but rendered as it stands.
    use_lockfile: true,
  };
}
