import type { Settings } from "./behaviour.ts";
import { type Attributes, text } from "./values.ts";

/** What a wait of a second is on the cloud's clock. */
export const TICKS_PER_SECOND = 50;

/** Seconds until the cloud honours a new right. */
const SPREAD_SECONDS = 20;

/** Ticks that pass before the cloud honours a new right, and that each run of terraform takes. */
export const LATE = SPREAD_SECONDS * TICKS_PER_SECOND;

/** Settles where the provider works, and stops for want of what the real one needs. */
export function configure(config: Attributes): Settings {
  const { env } = process;
  if (!env.CLOUD_DIR) {
    throw new Error(
      "CLOUD_DIR is not set. The stand-in provider keeps its cloud in the directory that it names.",
    );
  }
  if (env.AWS_CA_BUNDLE) {
    throw new Error("LoadCustomCABundleError: unable to load custom CA bundle, *s3.iamTransport");
  }
  if (!text(config.token) && !env.YC_TOKEN && !env.YC_SERVICE_ACCOUNT_KEY_FILE) {
    throw new Error("one of 'token' or 'service_account_key_file' should be specified");
  }
  return {
    folderId: text(config.folder_id) || env.YC_FOLDER_ID || "",
    cloudId: text(config.cloud_id) || env.YC_CLOUD_ID || "",
    http: env.CLOUD_HTTP,
    queueKey: queueKey(config),
  };
}

function queueKey(config: Attributes): Settings["queueKey"] {
  const accessKey = text(config.ymq_access_key) || process.env.YC_MESSAGE_QUEUE_ACCESS_KEY;
  const secretKey = text(config.ymq_secret_key) || process.env.YC_MESSAGE_QUEUE_SECRET_KEY;
  return accessKey && secretKey ? { accessKey, secretKey } : undefined;
}
