import type { Settings } from "../../../stacks/settings.ts";
import type { System } from "../shell/system.ts";
import { UserError } from "../shell/user-error.ts";
import type { StateResource } from "../terraform/state.ts";
import type { AccessKey } from "./aws-request.ts";

/** The key that may look into the queues: the stack's own, or the environment's. */
export async function findQueueKey(
  system: System,
  state: () => Promise<readonly StateResource[]>,
  { queueKey }: Pick<Settings, "queueKey">,
): Promise<AccessKey> {
  const { YC_MESSAGE_QUEUE_ACCESS_KEY: id, YC_MESSAGE_QUEUE_SECRET_KEY: secret } = system.env;
  if (queueKey === "environment" && id && secret) {
    return { accessKeyId: id, secretAccessKey: secret };
  }
  const key = queueKey === "stack" ? keyInState(await state()) : undefined;
  if (key) return key;
  throw new UserError(
    "No key for the queues. Set YC_MESSAGE_QUEUE_ACCESS_KEY and YC_MESSAGE_QUEUE_SECRET_KEY.",
  );
}

/** The one static key whose secret the state holds; the containers' own is in Lockbox only. */
export function keyInState(resources: readonly StateResource[]): AccessKey | undefined {
  const keys = resources
    .filter(({ type }) => type === "yandex_iam_service_account_static_access_key")
    .map(({ attributes }) => ({
      accessKeyId: String(attributes.access_key ?? ""),
      secretAccessKey: String(attributes.secret_key ?? ""),
    }));
  return keys.find(({ accessKeyId, secretAccessKey }) => accessKeyId && secretAccessKey);
}
